"""A Chromium, an HQ with the cast on a mission, and people who come and go."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.people import Person, Program
from tests.cast import ANALYST, CAST, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member
from tests.databases import Databases
from tests.hq_server import HQServer

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium: one for a module, a context for each person."""
    path = shutil.which("chromium")
    assert path, "There is no chromium; `make system` installs it."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Scene:
    """An HQ of the module's own. `programs` are logged in; `mission` has all but the outsider."""

    server: HQServer
    programs: dict[Member, Program]
    mission: str = ""
    codename: str = ""
    count: int = 0

    def fresh(self, status: str = "active") -> str:
        """A mission that no test used before, with handler, analyst, operative and novice."""
        self.count += 1
        self.codename = f"Lantern {self.count}"
        members = [self.programs[member] for member in (ANALYST, OPERATIVE, NOVICE)]
        self.mission = self.programs[HANDLER].mission(self.codename, *members, status=status)
        return self.mission

    def say(self, body: str, by: Member = HANDLER, **fields: Any) -> str:
        """Publishes as a program; the update's id."""
        return self.programs[by].publish(self.mission, body, **fields)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Scene]:
    """One worker on SQLite, as a newcomer runs it."""
    server = HQServer(
        tmp_path_factory.mktemp("browser"), databases, settings={"HQ_SOCKETS_PER_AGENT": "100"}
    )
    with ExitStack() as stack:
        stack.callback(server.stop)
        server.start()
        there = [member for member in CAST if member is not OUTSIDER]
        programs = {member: stack.enter_context(Program(server, member)) for member in there}
        yield Scene(server, programs)


@pytest.fixture
def scene(stage: Scene) -> Scene:
    """The module's HQ with a mission of the test's own."""
    stage.fresh()
    return stage


Enter = Callable[..., Person]


@pytest.fixture
def visitor(browser: Browser, stage: Scene) -> Iterator[Enter]:
    """Opens a browser: `visitor(size=…, theme=…)`, closed after the test, without a complaint."""
    people: list[Person] = []

    def come(**options: Any) -> Person:
        person = Person(browser, stage.server, **options)
        people.append(person)
        return person

    yield come
    complaints = [complaint for person in people for complaint in person.complaints]
    for person in people:
        person.close()
    assert complaints == []


@pytest.fixture
def enter(visitor: Enter, scene: Scene) -> Enter:
    """`enter(MEMBER, size=…, theme=…)`: logged in, with the test's mission open."""

    def come(member: Member, **options: Any) -> Person:
        person = visitor(**options)
        person.log_in(member)
        person.page.goto(f"{scene.server.url}/#mission={scene.mission}")
        expect(person.page.get_by_role("heading", level=1)).to_have_text(scene.codename)
        return person

    return come
