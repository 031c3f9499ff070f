"""Servers for the tests of serving."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serving.process import Serving

Start = Callable[..., Serving]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for every test that leaves it as it was."""
    process = Serving(tmp_path_factory.mktemp("serving"))
    process.start()
    yield process
    assert process.stop() == 0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server of the test's own: `start(*options, **of Serving)`."""
    started: list[Serving] = []

    def run(*options: str, **more: object) -> Serving:
        process = Serving(tmp_path / f"serve-{len(started)}", *options, **more)  # type: ignore[arg-type]
        started.append(process)
        process.start()
        return process

    yield run
    for process in started:
        process.stop()
