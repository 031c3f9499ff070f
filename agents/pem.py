"""What a good key is, and how it is written: P-256 (RFC 7518, ES256), PEM, JWK, thumbprint. Pure.

Refuses every other kind of key, keys that can be guessed, and keys that anybody can look up,
because they stand in standards and on well-known pages. Called by `agents.keys` alone.
"""

import base64
import hashlib
import json
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

PublicKey = ec.EllipticCurvePublicKey
PrivateKey = ec.EllipticCurvePrivateKey

PUBLISHED = frozenset(
    {
        "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",  # RFC 7515, appendix A.3
        "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",  # RFC 7517, appendix A.2
        "DOvxvJiAdIqVWIkFt5hDtCunXLF0BV4-JGv4f-ALSm0",  # RFC 6979, appendix A.2.5
        "19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8",  # the example of jwt.io
    }
)
"""Thumbprints of keys whose private half everybody has."""

_LEAST = 2**128
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_COORDINATE_BYTES = 32


class BadKey(ValueError):
    """The text is no key that HQ uses; the message says why, without the key."""


def new_private_key() -> PrivateKey:
    """A key that nobody had before."""
    return ec.generate_private_key(ec.SECP256R1())


def private_key(text: str) -> PrivateKey:
    """The one private key of a PEM; `BadKey` else."""
    try:
        key = serialization.load_pem_private_key(_with_newlines(text).encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, PrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadKey("is no unencrypted P-256 private key in PEM")
    if not _LEAST < key.private_numbers().private_value < _ORDER - _LEAST:
        raise BadKey("is too weak: it can be guessed")
    _check_unpublished(key.public_key())
    return key


def public_keys(text: str) -> list[PublicKey]:
    """The public keys of PEMs that stand one after the other; `BadKey` for anything else."""
    pem = _with_newlines(text)
    good: list[PublicKey] = []
    for block in _BLOCK.finditer(pem):
        try:
            key = serialization.load_pem_public_key(block.group().encode())
        except (ValueError, UnsupportedAlgorithm):
            break
        if not isinstance(key, PublicKey) or not isinstance(key.curve, ec.SECP256R1):
            break
        _check_unpublished(key)
        good.append(key)
    if _BLOCK.sub("", pem).strip() or len(good) != len(_BLOCK.findall(pem)):
        raise BadKey("must hold P-256 public keys in PEM, one after the other")
    return good


def private_pem(key: PrivateKey) -> str:
    """The key as a file holds it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key: PublicKey) -> str:
    """The public half as a file holds it."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def thumbprint(key: PublicKey) -> str:
    """The key's SHA-256 thumbprint in base64url: its `kid` (RFC 7638)."""
    canonical = json.dumps(jwk(key), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def jwk(key: PublicKey) -> dict[str, str]:
    """The members of a JWK that say which key it is (RFC 7518, section 6.2.1)."""
    numbers = key.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": _base64url(numbers.x.to_bytes(_COORDINATE_BYTES, "big")),
        "y": _base64url(numbers.y.to_bytes(_COORDINATE_BYTES, "big")),
    }


def _check_unpublished(key: PublicKey) -> None:
    if thumbprint(key) in PUBLISHED:
        raise BadKey("is a published sample: everybody has its private half")


def _with_newlines(pem: str) -> str:
    # Environment files keep a PEM on one line, its line ends written as \n.
    return pem.replace("\\n", "\n")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
