"""The keys that access and refresh tokens are signed and checked with: P-256, ES256 (RFC 7518).

Owns where keys come from: the environment, or under HQ_DEBUG a development key in
`HQ_VAR_DIR/keys`. Keys are loaded once, as objects: from PEM a signature costs a quarter more.
Refuses every other kind of key. Called by `agents.tokens`, by the JWKS view, by `agents.checks` at
the start and by `serve`, which makes the development key before its workers need it.
"""

import base64
import contextlib
import functools
import hashlib
import json
import os
import re
import secrets
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

PublicKey = ec.EllipticCurvePublicKey
PrivateKey = ec.EllipticCurvePrivateKey

_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_COORDINATE_BYTES = 32


class SigningKey(NamedTuple):
    """The key that signs now, and its name in the header of tokens."""

    kid: str
    private: PrivateKey


@functools.cache
def signing_key() -> SigningKey:
    """The key that signs; `ImproperlyConfigured` with a sentence when there is no good one."""
    pem = settings.HQ_JWT_PRIVATE_KEY
    if not pem:
        if not settings.HQ_DEVELOPMENT:
            raise ImproperlyConfigured("HQ_JWT_PRIVATE_KEY is not set.")
        pem = make_development_key().read_text(encoding="ascii")
    private = _private_key(pem)
    return SigningKey(thumbprint(private.public_key()), private)


@functools.cache
def verifying_keys() -> dict[str, PublicKey]:
    """Every key that a token may be signed with, by `kid`: the signing key and retired ones."""
    public = [signing_key().private.public_key(), *_public_keys(settings.HQ_JWT_VERIFYING_KEYS)]
    return {thumbprint(key): key for key in public}


def forget() -> None:
    """Loads the keys anew at the next call; after the configuration changed."""
    signing_key.cache_clear()
    verifying_keys.cache_clear()


def jwks() -> dict[str, list[dict[str, str]]]:
    """The public keys as a JWK set (RFC 7517, section 5)."""
    return {
        "keys": [
            {**_jwk(key), "kid": kid, "use": "sig", "alg": "ES256"}
            for kid, key in verifying_keys().items()
        ]
    }


def thumbprint(key: PublicKey) -> str:
    """The key's SHA-256 thumbprint in base64url: its `kid` (RFC 7638)."""
    canonical = json.dumps(_jwk(key), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def make_development_key() -> Path:
    """The path of the development key, made first where it is missing; readable by its owner only.

    Processes that start together agree on one key: it is written aside and linked into place, and
    the first link wins.
    """
    folder = Path(settings.HQ_VAR_DIR) / "keys"
    Path(settings.HQ_VAR_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "development.pem"
    if not path.exists():
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        aside = folder / f".{secrets.token_hex(8)}.pem"
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
        aside.unlink()
    return path


def _private_key(pem: str) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(_with_newlines(pem).encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, PrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ImproperlyConfigured(
        "HQ_JWT_PRIVATE_KEY is no unencrypted P-256 private key in PEM. Make one with "
        "`openssl ecparam -name prime256v1 -genkey -noout`."
    )


def _public_keys(text: str) -> list[PublicKey]:
    pem = _with_newlines(text)
    good: list[PublicKey] = []
    for block in _PEM_BLOCK.finditer(pem):
        try:
            key = serialization.load_pem_public_key(block.group().encode())
        except (ValueError, UnsupportedAlgorithm):
            break
        if not isinstance(key, PublicKey) or not isinstance(key.curve, ec.SECP256R1):
            break
        good.append(key)
    if _PEM_BLOCK.sub("", pem).strip() or len(good) != len(_PEM_BLOCK.findall(pem)):
        raise ImproperlyConfigured(
            "HQ_JWT_VERIFYING_KEYS must hold P-256 public keys in PEM, one after the other."
        )
    return good


def _with_newlines(pem: str) -> str:
    # Environment files keep a PEM on one line, its line ends written as \n.
    return pem.replace("\\n", "\n")


def _jwk(key: PublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": _base64url(numbers.x.to_bytes(_COORDINATE_BYTES, "big")),
        "y": _base64url(numbers.y.to_bytes(_COORDINATE_BYTES, "big")),
    }


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
