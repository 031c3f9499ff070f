"""The keys that access and refresh tokens are signed and checked with: P-256, ES256 (RFC 7518).

Owns where keys come from: the environment (HQ_JWT_PRIVATE_KEY), else the folder of
`agents.keyfolder`, which every process reads again after ten seconds, so that a key is replaced
without a restart: the new one is published 30 s before it signs, the old ones verify until the
longest token is over. Keys are kept as objects: from PEM a signature costs a quarter more.
Refuses keys as `agents.pem` says. Called by `agents.tokens`, by the JWKS view, by
`agents.checkpoints`, by `agents.checks` at the start, by `rotate_key`, and by `serve`, which makes
the development key before its workers need it.
"""

import datetime as dt
import logging
import time
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from agents import keyfolder, pem
from agents.pem import BadKey, PrivateKey, PublicKey, jwk, thumbprint

logger = logging.getLogger(__name__)

READ_EVERY = 10.0
PUBLISHED_AHEAD = 30
"""Seconds for which a new key is published before it signs: three readings, whatever a clock says.
"""

LONGEST_ACCESS = dt.timedelta(days=30)
"""Of service tokens; an old key outlives this and every refresh token."""


class SigningKey(NamedTuple):
    """The key that signs now, and its name in the header of tokens."""

    kid: str
    private: PrivateKey


class _Key(NamedTuple):
    begins: float
    kid: str
    public: PublicKey
    private: PrivateKey | None


class _Ring(NamedTuple):
    """`own`: the keys that sign one after the other. `foreign`: those that only verify."""

    own: list[_Key]
    foreign: dict[str, PublicKey]


_ring: _Ring | None = None
_read_at = float("-inf")


def signing_key() -> SigningKey:
    """The key that signs; `ImproperlyConfigured` with a sentence when there is no good one."""
    able = [
        (key.begins, SigningKey(key.kid, key.private))
        for key in _current().own
        if key.private is not None
    ]
    if not able:
        raise ImproperlyConfigured("HQ_VAR_DIR/keys holds no key that can sign.")
    now = time.time()
    begun = [key for begins, key in able if begins <= now]
    return begun[-1] if begun else able[0][1]


def verifying_keys() -> dict[str, PublicKey]:
    """Every key that a token may be signed with, by `kid`; newest first."""
    ring, now = _current(), time.time()
    kept = _seconds_kept()
    good = {}
    ends = float("inf")
    for key in reversed(ring.own):
        if now < ends:
            good[key.kid] = key.public
        ends = key.begins + kept
    return {**good, **ring.foreign}


def known_keys() -> dict[str, PublicKey]:
    """Also those whose tokens are over: what they signed for good stays true."""
    ring = _current()
    return {**{key.kid: key.public for key in ring.own}, **ring.foreign}


def jwks() -> dict[str, list[dict[str, str]]]:
    """The public keys as a JWK set (RFC 7517, section 5)."""
    return {
        "keys": [
            {**jwk(key), "kid": kid, "use": "sig", "alg": "ES256"}
            for kid, key in verifying_keys().items()
        ]
    }


def forget() -> None:
    """Loads the keys anew at the next call; after the configuration changed."""
    global _ring, _read_at
    _ring, _read_at = None, float("-inf")


def make_development_key() -> Path:
    """The file of the first key, made where the folder has none; readable by its owner only."""
    if stored := keyfolder.stored():
        return stored[0].path
    return keyfolder.add(pem.private_pem(pem.new_private_key()), 0)


def rotate() -> tuple[str, int]:
    """Puts a new key into the folder: its `kid`, and from which second on it signs.

    The first one signs at once. Keys that sign no more lose their private half.
    `ImproperlyConfigured` when the keys come from the environment or one waits already.
    """
    if settings.HQ_JWT_PRIVATE_KEY:
        raise ImproperlyConfigured("The keys come from HQ_JWT_PRIVATE_KEY.")
    forget()
    stored, now = keyfolder.stored(), int(time.time())
    if stored and stored[-1].begins > now:
        raise ImproperlyConfigured(
            f"A new key signs in {stored[-1].begins - now} s. Wait until it does."
        )
    for key in stored[:-1]:
        if "PRIVATE" in key.pem:
            keyfolder.replace(key, pem.public_pem(pem.private_key(key.pem).public_key()))
    private = pem.new_private_key()
    begins = now + PUBLISHED_AHEAD if stored else now
    keyfolder.add(pem.private_pem(private), begins)
    forget()
    return thumbprint(private.public_key()), begins


def _current() -> _Ring:
    """The ring, read again when it is old. What cannot be read then changes nothing."""
    global _ring, _read_at
    ring, now = _ring, time.monotonic()
    if ring is not None and (settings.HQ_JWT_PRIVATE_KEY or now - _read_at < READ_EVERY):
        return ring
    _read_at = now
    try:
        ring = _Ring(_own(), _foreign())
    except (ImproperlyConfigured, OSError) as problem:
        if ring is None:
            raise
        logger.error("the keys could not be read again (%s)", type(problem).__name__)
    _ring = ring
    return ring


def _own() -> list[_Key]:
    if text := settings.HQ_JWT_PRIVATE_KEY:
        return [_loaded(0, text, "HQ_JWT_PRIVATE_KEY")]
    stored = keyfolder.stored()
    if not stored:
        if not settings.HQ_DEVELOPMENT:
            raise ImproperlyConfigured("HQ_JWT_PRIVATE_KEY is not set.")
        make_development_key()
        stored = keyfolder.stored()
    return [_loaded(key.begins, key.pem, str(key.path)) for key in stored]


def _loaded(begins: int, text: str, source: str) -> _Key:
    try:
        if source != "HQ_JWT_PRIVATE_KEY" and "PUBLIC" in text:
            (public,) = pem.public_keys(text)
            return _Key(begins, thumbprint(public), public, None)
        private = pem.private_key(text)
    except (BadKey, ValueError) as problem:
        raise ImproperlyConfigured(
            f"{source} {problem}. Make a key with "
            "`openssl ecparam -name prime256v1 -genkey -noout`."
        ) from None
    public = private.public_key()
    return _Key(begins, thumbprint(public), public, private)


def _foreign() -> dict[str, PublicKey]:
    try:
        public = pem.public_keys(settings.HQ_JWT_VERIFYING_KEYS)
    except BadKey as problem:
        raise ImproperlyConfigured(f"HQ_JWT_VERIFYING_KEYS {problem}.") from None
    return {thumbprint(key): key for key in public}


def _seconds_kept() -> float:
    """How long after it signed last a key verifies: the longest token's life, and its leeway."""
    simplejwt: dict[str, Any] = settings.SIMPLE_JWT
    longest = max(LONGEST_ACCESS, simplejwt["REFRESH_TOKEN_LIFETIME"])
    return float(longest.total_seconds() + simplejwt["LEEWAY"] + PUBLISHED_AHEAD)
