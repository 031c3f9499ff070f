"""Keys: where they come from, and which are refused."""

import base64
import hashlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured

from agents import keys
from agents.tests.pem import p256, private_pem, public_pem
from agents.tokens import AccessToken


@pytest.fixture(autouse=True)
def _fresh_keys() -> Iterator[None]:
    keys.forget()
    yield
    keys.forget()


def test_the_development_key_is_made_once_and_for_its_owner_alone(
    tmp_path: Path, settings: Any
) -> None:
    """0600 in a folder of 0700."""
    settings.HQ_JWT_PRIVATE_KEY, settings.HQ_VAR_DIR = "", tmp_path / "var"
    path = keys.make_development_key()
    pem = path.read_text()
    assert keys.make_development_key().read_text() == pem
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    assert keys.signing_key().private.private_numbers() == keys._private_key(pem).private_numbers()


def test_no_key_is_made_outside_development(tmp_path: Path, settings: Any) -> None:
    """A production that lost its key must not go on with another."""
    settings.HQ_JWT_PRIVATE_KEY, settings.HQ_VAR_DIR = "", tmp_path / "var"
    settings.HQ_DEVELOPMENT = False
    with pytest.raises(ImproperlyConfigured, match="HQ_JWT_PRIVATE_KEY is not set"):
        keys.signing_key()
    assert not (tmp_path / "var").exists()


def test_the_configured_key_signs_and_its_kid_is_the_rfc_7638_thumbprint(settings: Any) -> None:
    """On one line with \\n too, as environment files have it."""
    key = p256()
    for pem in (private_pem(key), private_pem(key).replace("\n", "\\n")):
        keys.forget()
        settings.HQ_JWT_PRIVATE_KEY = pem
        (jwk,) = keys.jwks()["keys"]
        members = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")})
        digest = hashlib.sha256(members.replace(" ", "").encode()).digest()
        assert jwk["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
        assert keys.signing_key().kid == jwk["kid"]


def test_tokens_of_a_retired_key_are_read_as_long_as_it_is_published(settings: Any) -> None:
    """Rotation without logging anybody out."""
    old, new = p256(), p256()
    settings.HQ_JWT_PRIVATE_KEY = private_pem(old)
    token = AccessToken()
    token["sub"] = token["sid"] = "00000000-0000-4000-8000-000000000000"
    text = str(token)
    keys.forget()
    settings.HQ_JWT_PRIVATE_KEY = private_pem(new)
    settings.HQ_JWT_VERIFYING_KEYS = public_pem(old) + public_pem(p256())
    assert AccessToken(text).payload["sub"] == token["sub"]
    assert len(keys.jwks()["keys"]) == 3
    assert jwt.get_unverified_header(str(token))["kid"] == keys.signing_key().kid
