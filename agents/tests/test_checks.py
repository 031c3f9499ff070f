"""The check of the keys: what stops the start, and with which sentence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from agents import checks, keyfolder, keys
from agents.tests.pem import p256, private_pem, public_pem


@pytest.fixture(autouse=True)
def _fresh_keys() -> Iterator[None]:
    keys.forget()
    yield
    keys.forget()


@pytest.mark.parametrize(
    "pem",
    [
        "nonsense",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        private_pem(ec.generate_private_key(ec.SECP384R1())),
        private_pem(ed25519.Ed25519PrivateKey.generate()),
        public_pem(p256()),
    ],
)
def test_a_private_key_of_another_kind_stops_the_start(settings: Any, pem: str) -> None:
    """With a sentence that says what to do."""
    settings.HQ_JWT_PRIVATE_KEY = pem
    (error,) = checks.token_keys(None)
    assert "openssl ecparam" in error.msg


@pytest.mark.parametrize(
    "pem",
    [
        "nonsense",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        public_pem(ec.generate_private_key(ec.SECP384R1())),
        private_pem(p256()),
        public_pem(p256()) + "and more",
    ],
)
def test_a_bad_verifying_key_stops_the_start(settings: Any, pem: str) -> None:
    """None is left out in silence: tokens would be refused for no visible reason."""
    settings.HQ_JWT_PRIVATE_KEY = private_pem(p256())
    settings.HQ_JWT_VERIFYING_KEYS = pem
    (error,) = checks.token_keys(None)
    assert "HQ_JWT_VERIFYING_KEYS" in error.msg


def test_good_keys_pass_the_check_and_none_is_made_by_it(tmp_path: Path, settings: Any) -> None:
    """A check reads."""
    settings.HQ_JWT_PRIVATE_KEY, settings.HQ_VAR_DIR = "", tmp_path / "var"
    assert checks.token_keys(None) == []
    assert not (tmp_path / "var").exists()
    settings.HQ_JWT_PRIVATE_KEY = private_pem(p256())
    assert checks.token_keys(None) == []


def test_keys_of_the_folder_are_checked_too(tmp_path: Path, settings: Any) -> None:
    """A broken file would else show at the first login."""
    settings.HQ_JWT_PRIVATE_KEY, settings.HQ_VAR_DIR = "", tmp_path
    keyfolder.add("nonsense", 5)
    (error,) = checks.token_keys(None)
    assert "5.pem is no unencrypted P-256 private key" in error.msg
