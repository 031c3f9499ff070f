"""What every test of the product stands on."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agents.models import Agent
    from tests.cast import Member


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test is a failed one: what is missing must be installed or mended."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped. No test of HQ skips: {report.longrepr}"
    return report


@pytest.fixture
def cast(db: None) -> "dict[Member, Agent]":
    """The fixed cast in the test's database, by member."""
    from tests.cast import enlist

    return enlist()
