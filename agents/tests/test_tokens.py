"""Tokens: every way in which one can be wrong, each refused as the right kind of wrong."""

import base64
import datetime as dt
import functools
import json
import time
import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from agents import keys
from agents.tokens import MAX_TOKEN_LENGTH, AccessToken, RefreshToken

SUB, SID = str(uuid.uuid4()), str(uuid.uuid4())


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims with changes; `...` leaves a claim out."""
    now = int(time.time())
    good = {
        "token_type": "access",
        "iss": "hq",
        "aud": "hq",
        "sub": SUB,
        "sid": SID,
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + 900,
        "role": "analyst",
        "clearance": "secret",
        "codename": "ada",
    }
    return {name: value for name, value in (good | changes).items() if value is not ...}


def part(raw: bytes | str) -> str:
    """Base64url without padding."""
    return (
        base64.urlsafe_b64encode(raw.encode() if isinstance(raw, str) else raw).decode().strip("=")
    )


def signed(payload: str | dict[str, Any], header: dict[str, Any] | str | None = None) -> str:
    """A token signed with HQ's own key, whatever it says."""
    key = keys.signing_key()
    head = header if header is not None else {"alg": "ES256", "typ": "JWT", "kid": key.kid}
    texts = [one if isinstance(one, str) else json.dumps(one) for one in (head, payload)]
    message = ".".join(part(text) for text in texts)
    algorithm = jwt.PyJWS().get_algorithm_by_name("ES256")
    return f"{message}.{part(algorithm.sign(message.encode(), key.private))}"


def refused(token: Any) -> bool:
    """Whether it is refused, and not as merely expired."""
    with pytest.raises(TokenError) as problem:
        AccessToken(token)
    return not isinstance(problem.value, ExpiredTokenError)


def test_a_good_token_is_read() -> None:
    """What the other tests change."""
    token = AccessToken(signed(claims()))
    assert str(token.session_id) == SID
    assert str(token.agent_id) == SUB


def test_what_hq_writes_is_es256_with_a_kid_and_the_claims_of_the_contract() -> None:
    """And PyJWT, as any other reader of the JWKS would be, is content with it."""
    token = AccessToken()
    token["sub"], token["sid"] = SUB, SID
    header = jwt.get_unverified_header(str(token))
    assert header == {"alg": "ES256", "typ": "JWT", "kid": keys.signing_key().kid}
    (jwk,) = keys.jwks()["keys"]
    read = jwt.decode(
        str(token), jwt.PyJWK(jwk).key, algorithms=["ES256"], audience="hq", issuer="hq"
    )
    assert set(read) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "token_type"}
    assert read["exp"] - read["iat"] == 900


@pytest.mark.parametrize(
    "token",
    [b"x.y.z", 12, "", ".", "..", "...", "a.b", "a.b.c.d", "a.b.", ".b.c", "a b.c.d", "ä.b.c",
     "!!.??.**", "\ud800.b.c", "\0.b.c", "e30.e30.e30", "a.b.c\n"],
)  # fmt: skip
def test_what_is_no_token_is_refused(token: Any) -> None:
    """T1: whatever its form."""
    assert refused(token)


@pytest.mark.parametrize("payload", ["[]", "1", '"x"', "null", "{", "", "[" * 2000, "\xff", "{}"])
def test_a_payload_that_is_no_object_of_claims_is_refused(payload: str) -> None:
    """Although the signature is good."""
    assert refused(signed(payload))


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "nOnE"},
        {"alg": ...},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"alg": ["ES256"]},
        {"kid": ...},
        {"kid": ""},
        {"kid": "../../../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"kid": 7},
        {"kid": None},
        {"kid": "unknown"},
        {"typ": ...},
        {"typ": "at+jwt"},
        {"jwk": {"kty": "EC"}},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"cty": "JWT"},
    ],
)
def test_a_foreign_header_is_refused_before_the_signature_counts(change: dict[str, Any]) -> None:
    """T2, T3: no other algorithm, no key that the token brings along."""
    header = {"alg": "ES256", "typ": "JWT", "kid": keys.signing_key().kid} | change
    assert refused(signed(claims(), {k: v for k, v in header.items() if v is not ...}))


def test_a_header_that_says_a_thing_twice_is_refused() -> None:
    """Two readers could read two tokens."""
    kid = keys.signing_key().kid
    assert refused(signed(claims(), f'{{"alg":"none","alg":"ES256","typ":"JWT","kid":"{kid}"}}'))


def test_a_token_signed_with_our_public_key_as_a_secret_is_refused() -> None:
    """T2: the classic confusion of HS256."""
    public = keys.signing_key().private.public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    algorithm = jwt.PyJWS().get_algorithm_by_name("HS256")
    header = {"alg": "HS256", "typ": "JWT", "kid": keys.signing_key().kid}
    message = f"{part(json.dumps(header))}.{part(json.dumps(claims()))}"
    signature = algorithm.sign(message.encode(), pem)
    assert refused(f"{message}.{part(signature)}")


def test_a_token_of_another_key_under_our_kid_is_refused() -> None:
    """Same algorithm, other signer."""
    other = ec.generate_private_key(ec.SECP256R1())
    headers = {"kid": keys.signing_key().kid}
    assert refused(jwt.encode(claims(), other, algorithm="ES256", headers=headers))


def test_a_token_without_its_signature_is_refused() -> None:
    """Empty, and cut short."""
    token = signed(claims())
    head, payload, signature = token.split(".")
    for cut in ("", signature[:-2], signature + "AA", "A"):
        assert refused(f"{head}.{payload}.{cut}")


@functools.cache
def one_token() -> str:
    """A good token, the same each time."""
    return signed(claims())


@given(place=st.integers(0, 10_000), change=st.integers(1, 63))
def test_any_changed_character_makes_a_token_bad(place: int, change: int) -> None:
    """T4: in header, payload or signature, the unused bits of the last character included."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = one_token()
    at = place % len(token)
    if token[at] == ".":
        return
    other = alphabet[(alphabet.index(token[at]) + change) % 64]
    assert refused(token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize(
    "change",
    [
        {"token_type": "refresh", "gen": 1},
        {"token_type": ...},
        {"iss": ...},
        {"iss": "other"},
        {"iss": ["hq"]},
        {"aud": ...},
        {"aud": "other"},
        {"aud": ["hq"]},
        {"sub": ...},
        {"sub": "1"},
        {"sub": 1},
        {"sub": SUB.upper()},
        {"sid": ...},
        {"sid": None},
        {"sid": "x" * 36},
        {"jti": ...},
        {"jti": 5},
        {"jti": ""},
        {"exp": ...},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": 9999999999.5},
        {"exp": True},
        {"exp": 10**30},
        {"exp": -1},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"iat": ...},
        {"iat": "now"},
        {"iat": 0},
        {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200},
        {"nbf": int(time.time()) + 3600},
        {"nbf": "now"},
    ],
)
def test_a_signed_token_with_a_wrong_claim_is_refused(change: dict[str, Any]) -> None:
    """T5 to T8: the signature alone makes nothing good."""
    assert refused(signed(claims(**change)))


def test_claims_given_twice_are_refused() -> None:
    """PyJWT alone would take the last."""
    text = json.dumps(claims())
    assert refused(signed(text[:-1] + f', "sub": "{SUB}"}}'))


def test_a_token_past_its_time_is_expired_and_nothing_else() -> None:
    """T5: beyond the leeway of 5 s; within, it is good."""
    now = int(time.time())
    for late in (7, 365 * 86_400):
        with pytest.raises(ExpiredTokenError):
            AccessToken(signed(claims(iat=now - late - 900, exp=now - late)))
    assert AccessToken(signed(claims(iat=now - 900, exp=now - 2)))


def test_an_expired_token_with_another_fault_is_not_called_expired() -> None:
    """`token_expired` would say that the rest was good."""
    now = int(time.time())
    old = {"iat": now - 2000, "exp": now - 1000}
    assert refused(signed(claims(**old, aud="other")))
    assert refused(signed(claims(**old, token_type="refresh", gen=1)))
    assert refused(signed(claims(**old))[:-3] + "AAA")


def test_a_clock_that_runs_3_seconds_ahead_is_forgiven() -> None:
    """T6: within the leeway."""
    now = int(time.time())
    assert AccessToken(signed(claims(iat=now + 3, nbf=now + 3)))


def test_a_long_token_is_refused_before_it_is_decoded() -> None:
    """T14: however good it is."""
    assert refused(signed(claims(padding="x" * MAX_TOKEN_LENGTH)))
    assert refused("a." * 500_000)


def test_tokens_of_one_kind_are_not_taken_for_the_other() -> None:
    """T8: access at refresh and refresh as access; a refresh token needs its generation."""
    refresh = RefreshToken()
    refresh["sub"], refresh["sid"], refresh["gen"] = SUB, SID, 3
    assert RefreshToken(str(refresh)).generation == 3
    assert refused(str(refresh))
    for bad in (claims(), claims(token_type="refresh"), claims(token_type="refresh", gen="1")):
        with pytest.raises(TokenError):
            RefreshToken(signed(bad))


def test_an_expiry_can_be_set_earlier() -> None:
    """To the second below."""
    token = AccessToken()
    moment = dt.datetime(2040, 1, 1, 0, 0, 0, 999, tzinfo=dt.UTC)
    token.expire_at(moment)
    assert token.expires_at == moment.replace(microsecond=0)
