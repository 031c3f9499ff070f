"""Keys: where they come from, and which are refused."""

import base64
import hashlib
import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured

from agents import keyfolder, keys, sessions
from agents.pem import private_key, thumbprint
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
    assert keys.signing_key().private.private_numbers() == private_key(pem).private_numbers()


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


@pytest.fixture
def folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys in files, which are read anew at every call."""
    settings.HQ_JWT_PRIVATE_KEY, settings.HQ_VAR_DIR = "", tmp_path
    settings.HQ_DEVELOPMENT = False
    monkeypatch.setattr(keys, "READ_EVERY", 0.0)
    return keyfolder.folder()


def add(age: float) -> str:
    """Another process puts a key into the folder that signs since so many seconds; its kid."""
    key = p256()
    keyfolder.add(private_pem(key), int(time.time() - age))
    return thumbprint(key.public_key())


def test_a_new_key_is_published_before_it_signs(folder: Path) -> None:
    """Every process knows it by the time that the first token comes; none is restarted."""
    first, _ = keys.rotate()
    assert keys.signing_key().kid == first
    second, begins = keys.rotate()
    assert 25 < begins - time.time() <= keys.PUBLISHED_AHEAD
    assert keys.PUBLISHED_AHEAD >= 2 * keys.READ_EVERY
    assert keys.signing_key().kid == first
    assert [one["kid"] for one in keys.jwks()["keys"]] == [second, first]
    with pytest.raises(ImproperlyConfigured, match=r"signs in \d+ s"):
        keys.rotate()


def test_a_running_process_takes_up_what_another_wrote(folder: Path) -> None:
    """The new key signs from its moment on, and the one before still verifies."""
    old = add(age=100)
    assert keys.signing_key().kid == old
    token = AccessToken()
    token["sub"] = token["sid"] = "00000000-0000-4000-8000-000000000000"
    text = str(token)
    new = add(age=1)
    assert keys.signing_key().kid == new
    assert AccessToken(text).payload["sub"] == token["sub"]


def test_an_old_key_verifies_until_its_longest_token_is_over(folder: Path, settings: Any) -> None:
    """Of a service, or a refresh token; what it signed for good is known for ever."""
    longest = sessions.SERVICE_LIFETIME.total_seconds()
    assert settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"].total_seconds() <= longest
    ancient, old, new = add(longest * 3), add(longest * 2), add(longest - 60)
    assert list(keys.verifying_keys()) == [new, old]
    assert set(keys.known_keys()) == {ancient, old, new}


def test_a_key_that_signs_no_more_loses_its_private_half(folder: Path) -> None:
    """Whoever reads the folder later can forge nothing in its name."""
    old, current = add(age=200), add(age=100)
    new, _ = keys.rotate()
    kept = [one.pem for one in keyfolder.stored()]
    assert ["PRIVATE" in one for one in kept] == [False, True, True]
    assert set(keys.verifying_keys()) == {old, current, new}
    assert keys.signing_key().kid == current


def test_what_cannot_be_read_again_changes_nothing(folder: Path) -> None:
    """A half-made file or a lost disk logs nobody out."""
    kid = add(age=100)
    assert keys.signing_key().kid == kid
    (folder / "1000.pem").write_text("nonsense")
    assert keys.signing_key().kid == kid
    keys.forget()
    with pytest.raises(ImproperlyConfigured, match=r"1000\.pem is no unencrypted P-256"):
        keys.signing_key()


def test_keys_of_the_environment_are_not_rotated_here(settings: Any) -> None:
    """They are the operator's to set."""
    settings.HQ_JWT_PRIVATE_KEY = private_pem(p256())
    with pytest.raises(ImproperlyConfigured, match="HQ_JWT_PRIVATE_KEY"):
        keys.rotate()
