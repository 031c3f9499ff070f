"""Access and refresh tokens: SimpleJWT's classes over a backend that checks strictly.

Owns what a token looks like and when one is good by itself: form, key, signature, claims, time.
Whether its session still stands is `agents.sessions`' question, and nothing else makes or reads
tokens. No query, no file and no network is reached from a token, whatever its header says.

A bad token raises SimpleJWT's `TokenError`; `ExpiredTokenError` only when nothing is wrong with it
but its age. Sources: RFC 7515, RFC 7519, RFC 8725 (sections 3.1, 3.8 to 3.12).
"""

import base64
import binascii
import datetime as dt
import json
import re
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.utils import timezone
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken

from agents import keys

ALGORITHM = "ES256"
MAX_TOKEN_LENGTH = 4096
"""Longer ones are refused before anything of them is decoded."""

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADER = {"alg", "typ", "kid"}
_LATEST = 253_402_300_799
"""The end of the year 9999, where `datetime` ends."""

_signatures = jwt.PyJWS(algorithms=[ALGORITHM])


class StrictTokenBackend(TokenBackend):
    """Signs with the current key and its `kid`; reads only what this class itself could write.

    One for each `token_type`, so that a token of the other type is wrong before it is expired.
    """

    def __init__(self, token_type: str) -> None:
        super().__init__(
            ALGORITHM,
            audience=settings.SIMPLE_JWT["AUDIENCE"],
            issuer=settings.SIMPLE_JWT["ISSUER"],
            leeway=settings.SIMPLE_JWT["LEEWAY"],
        )
        self.token_type = token_type

    def encode(self, payload: dict[str, Any]) -> str:
        """The signed token in its compact form."""
        key = keys.signing_key()
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The claims. `TokenBackendExpiredToken` when only time is against it; never unverified."""
        claims = self._signed_claims(token)
        self._check_claims(claims)
        if claims["exp"] <= timezone.now().timestamp() - self.get_leeway().total_seconds():
            raise TokenBackendExpiredToken("Token is expired")
        return claims

    def _signed_claims(self, token: Any) -> dict[str, Any]:
        if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH:
            raise TokenBackendError("Token is no text or too long")
        if not _FORM.fullmatch(token):
            raise TokenBackendError("Token has no three parts")
        header, payload, signature = (_decoded(part) for part in token.split("."))
        kid = self._kid(_object(header))
        key = keys.verifying_keys().get(kid)
        if key is None:
            raise TokenBackendError("Token names an unknown key")
        signed = token.rpartition(".")[0].encode()
        algorithm = _signatures.get_algorithm_by_name(ALGORITHM)
        if not algorithm.verify(signed, key, signature):
            raise TokenBackendError("Token has a bad signature")
        return _object(payload)

    def _kid(self, header: dict[str, Any]) -> str:
        # Nothing else belongs here: `jwk`, `jku`, `x5u` and `crit` are refused by not being known.
        kid = header.get("kid")
        if (
            header.keys() != _HEADER
            or header["alg"] != ALGORITHM
            or header["typ"] != "JWT"
            or not isinstance(kid, str)
        ):
            raise TokenBackendError("Token has a foreign header")
        return kid

    def _check_claims(self, claims: dict[str, Any]) -> None:
        if claims.get("token_type") != self.token_type:
            raise TokenBackendError("Token has the wrong type")
        if claims.get("iss") != self.issuer or claims.get("aud") != self.audience:
            raise TokenBackendError("Token is of another issuer or for another audience")
        if not (_is_id(claims.get("sub")) and _is_id(claims.get("sid"))):
            raise TokenBackendError("Token names no agent or no session")
        if not isinstance(claims.get("jti"), str) or not claims["jti"]:
            raise TokenBackendError("Token has no id")
        issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
        if not issued < expires:
            raise TokenBackendError("Token has no good times")
        soon = timezone.now().timestamp() + self.get_leeway().total_seconds()
        if issued > soon:
            raise TokenBackendError("Token was issued in the future")
        if "nbf" in claims and _moment(claims, "nbf") > soon:
            raise TokenBackendError("Token is not good yet")
        if self.token_type == RefreshToken.token_type and not _is_generation(claims.get("gen")):
            raise TokenBackendError("Token has no generation")


class _HQToken:
    """What both kinds have in common: who, which session, since and until when."""

    payload: dict[str, Any]

    @property
    def agent_id(self) -> UUID:
        return UUID(self.payload["sub"])

    @property
    def session_id(self) -> UUID:
        return UUID(self.payload["sid"])

    @property
    def expires_at(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.payload["exp"], dt.UTC)

    @property
    def lifetime_given(self) -> dt.timedelta:
        """From the moment it was issued to its expiry."""
        return dt.timedelta(seconds=self.payload["exp"] - self.payload["iat"])

    def expire_at(self, moment: dt.datetime) -> None:
        """Sets the expiry, to the second below."""
        self.payload["exp"] = int(moment.timestamp())


class AccessToken(_HQToken, simplejwt.AccessToken):
    """Opens requests and sockets until it expires or its session ends."""

    token_backend = StrictTokenBackend(simplejwt.AccessToken.token_type)


class RefreshToken(_HQToken, simplejwt.RefreshToken):
    """Is exchanged for a new pair, once: `gen` is its place in the session's family."""

    token_backend = StrictTokenBackend(simplejwt.RefreshToken.token_type)
    access_token_class = AccessToken

    @property
    def generation(self) -> int:
        generation: int = self.payload["gen"]
        return generation


def _decoded(part: str) -> bytes:
    """Base64url without padding; only the one canonical spelling, so that no token has two."""
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise TokenBackendError("Token is not base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part.encode():
        raise TokenBackendError("Token is not base64url")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object that says each thing once."""
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_each_once, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise TokenBackendError("Token is not JSON") from None
    if not isinstance(value, dict):
        raise TokenBackendError("Token holds no object")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name twice")
    return value


def _refused(constant: str) -> None:
    raise ValueError(constant)


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


def _moment(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 < value < _LATEST:
        raise TokenBackendError("Token has no good times")
    return value


def _is_generation(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**31
