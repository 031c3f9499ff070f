"""The folder of keys: whole files, for their owner alone, in the order in which they sign."""

import stat
from pathlib import Path
from typing import Any

import pytest

from agents import keyfolder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    """A folder of the test's own, which is not there yet."""
    settings.HQ_VAR_DIR = tmp_path / "var"
    return keyfolder.folder()


def test_keys_are_read_in_the_order_in_which_they_sign() -> None:
    """The development key comes before all others."""
    assert keyfolder.stored() == []
    for begins in (1_000_000_000, 0, 99):
        keyfolder.add(f"key of {begins}", begins)
    assert [(one.begins, one.pem) for one in keyfolder.stored()] == [
        (0, "key of 0"),
        (99, "key of 99"),
        (1_000_000_000, "key of 1000000000"),
    ]


def test_files_are_for_their_owner_alone(folder: Path) -> None:
    """0600 in 0700, also after a replacement, and nothing is left beside them."""
    path = keyfolder.add("private", 5)
    keyfolder.replace(keyfolder.stored()[0], "public")
    assert path.read_text() == "public"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == [path]


def test_the_first_to_add_a_key_wins() -> None:
    """Processes that start together agree on one."""
    assert keyfolder.add("first", 5) == keyfolder.add("second", 5)
    assert [one.pem for one in keyfolder.stored()] == ["first"]


def test_other_files_are_left_alone(folder: Path) -> None:
    """A half-written key, or what an operator keeps there."""
    keyfolder.add("key", 5)
    for name in (".abc.new", "notes.txt", "old.pem", "12.pem.bak"):
        (folder / name).write_text("other")
    assert [one.begins for one in keyfolder.stored()] == [5]
