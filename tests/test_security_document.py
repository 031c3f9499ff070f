"""docs/security.md: every row and requirement is there, and every test that it names exists."""

import re
from pathlib import Path

import pytest

from tests.processes import ROOT

DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = {"T": 16, "H": 10, "F": 9, "R": 10}
REQUIREMENTS = {
    "3.3": 4,
    "3.4": 6,
    "3.5": 5,
    "4.4": 4,
    "6.2": 12,
    "6.3": 4,
    "6.5": 5,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 2,
    "8.4": 1,
    "9.1": 3,
    "9.2": 4,
    "14.2": 4,
    "14.3": 3,
    "16.1": 1,
    "16.2": 5,
    "16.3": 4,
    "16.4": 3,
    "16.5": 3,
}
"""Sections of ASVS 5.0.0, and how many requirements each has at levels 1 and 2, which come first in
each section; 8.3.2 is of level 3."""


def named_in(stem: str) -> set[str]:
    """The tests in all files of that name."""
    folders = ("agents", "missions", "hq_project", "tests")
    files: list[Path] = [path for folder in folders for path in (ROOT / folder).rglob(f"{stem}.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE))


@pytest.mark.parametrize("row", [f"{kind}{n + 1}" for kind in ROWS for n in range(ROWS[kind])])
def test_every_row_has_an_answer_and_a_test(row: str) -> None:
    """`| T1 | attack | answer | tests |`."""
    found = re.findall(rf"^\| {row} \|.*$", DOCUMENT, re.MULTILINE)
    assert len(found) == 1
    assert "::test_" in found[0]


def test_every_requirement_is_answered_once() -> None:
    """By id, in the order of the standard."""
    wanted = [f"{section}.{n + 1}" for section, most in REQUIREMENTS.items() for n in range(most)]
    listed = re.findall(r"^\| (\d+\.\d+\.\d+) \|", DOCUMENT, re.MULTILINE)
    assert sorted(listed) == sorted([*wanted, "10.4.5"])


def test_every_test_that_is_named_exists() -> None:
    """`file::test`, wherever it stands."""
    named = re.findall(r"`(test_\w+)::(test_\w+)`", DOCUMENT)
    assert len(named) > 100
    assert [f"{stem}::{test}" for stem, test in named if test not in named_in(stem)] == []
    assert DOCUMENT.count("::") == len(named) + DOCUMENT.count("`file::test`")


def test_every_test_of_an_attack_is_named() -> None:
    """What is not in the document is not known to be shown."""
    folder = ROOT / "tests" / "attacks"
    unnamed = [
        f"{path.stem}::{test}"
        for path in sorted(folder.glob("test_*.py"))
        for test in re.findall(
            r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        if f"`{path.stem}::{test}`" not in DOCUMENT
    ]
    assert unnamed == []
