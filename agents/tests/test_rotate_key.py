"""`rotate_key`: for keys in the folder, and for keys of the environment."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agents import keys, pem
from agents.tests.pem import p256, private_pem, public_pem


@pytest.fixture(autouse=True)
def _fresh_keys() -> Iterator[None]:
    keys.forget()
    yield
    keys.forget()


def run() -> str:
    """What the command prints on standard output."""
    out = io.StringIO()
    call_command("rotate_key", stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_the_folder_gets_another_key(tmp_path: Path, settings: Any) -> None:
    """Also the first one of a production; a second time only when the new one signs."""
    settings.HQ_JWT_PRIVATE_KEY, settings.HQ_VAR_DIR = "", tmp_path
    settings.HQ_DEVELOPMENT = False
    said = run()
    assert keys.signing_key().kid in said
    assert "is published now and signs in 30 s at the latest" in run()
    assert len(keys.verifying_keys()) == 2
    with pytest.raises(CommandError, match=r"signs in \d+ s"):
        run()


def test_values_for_the_environment_are_printed_and_overlap(settings: Any) -> None:
    """With them the new key signs, and tokens of the old one and of retired ones are read."""
    old, retired = p256(), p256()
    settings.HQ_JWT_PRIVATE_KEY = private_pem(old)
    settings.HQ_JWT_VERIFYING_KEYS = public_pem(retired)
    values = dict(line.split("=", 1) for line in run().splitlines())
    settings.HQ_JWT_VERIFYING_KEYS = values["HQ_JWT_VERIFYING_KEYS"]
    keys.forget()
    first = set(keys.verifying_keys())
    settings.HQ_JWT_PRIVATE_KEY = values["HQ_JWT_PRIVATE_KEY"]
    keys.forget()
    assert set(keys.verifying_keys()) == first
    assert {pem.thumbprint(key.public_key()) for key in (old, retired)} < first
    assert len(first) == 3
    assert keys.signing_key().kid not in {
        pem.thumbprint(one.public_key()) for one in (old, retired)
    }


def test_bad_keys_are_not_rotated(settings: Any) -> None:
    """What is wrong is said first."""
    settings.HQ_JWT_PRIVATE_KEY = "nonsense"
    with pytest.raises(CommandError, match="HQ_JWT_PRIVATE_KEY is no unencrypted P-256"):
        run()
