"""A Chromium, an HQ with the cast on a mission, and people who come and go."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.people import Person, Program
from tests.cast import ANALYST, CAST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member
from tests.conftest import WIDE
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

expect.set_options(timeout=15_000)  # what must come, on a busy machine too


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium: one for all, a context for each person."""
    path = shutil.which("chromium")
    assert path, "There is no chromium; `make system` installs it."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Scene:
    """An HQ. `programs` are logged in; `mission` is the test's and has all but the outsider.

    `sessions` keeps the cookies of who came in for their next browser; None: each logs in anew.
    """

    server: HQServer
    programs: dict[Member, Program]
    mission: str = ""
    codename: str = ""
    count: int = 0
    sessions: dict[Member, list[Any]] | None = field(default_factory=dict)

    def fresh(self, status: str = "active") -> str:
        """A mission that no test used before, with handler, analyst, operative and novice."""
        self.count += 1
        self.codename = f"Harbour {self.count:03}"
        members = [self.programs[member] for member in (ANALYST, OPERATIVE, NOVICE)]
        self.mission = self.programs[HANDLER].mission(self.codename, *members, status=status)
        return self.mission

    def leave(self) -> None:
        """Closes what is open, so that the next test's rooms are its own."""
        director = self.programs[DIRECTOR]
        for mission in director.call("GET", "/api/missions"):
            if mission["status"] in ("planned", "active"):
                director.call("PATCH", f"/api/missions/{mission['id']}", {"status": "aborted"})

    def say(self, body: str, by: Member = HANDLER, **fields: Any) -> str:
        """Publishes as a program; the update's id."""
        return self.programs[by].publish(self.mission, body, **fields)


@contextmanager
def staged(folder: Path, databases: Databases, *, harmed: bool = False) -> Iterator[Scene]:
    """One worker on SQLite, as a newcomer runs it. `harmed`: sessions end there."""
    server = HQServer(folder, databases, settings=WIDE)
    with ExitStack() as stack:
        stack.callback(server.stop)
        server.start()
        there = [member for member in CAST if member is not OUTSIDER]
        programs = {member: stack.enter_context(Program(server, member)) for member in there}
        yield Scene(server, programs, sessions=None if harmed else {})


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Scene]:
    """One HQ for all modules but those that harm it; they have a `stage` of their own."""
    with staged(tmp_path_factory.mktemp("browser"), databases) as scene:
        yield scene


@pytest.fixture
def scene(stage: Scene) -> Iterator[Scene]:
    """The HQ with a mission of the test's own."""
    stage.fresh()
    yield stage
    stage.leave()


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
        cookies = (scene.sessions or {}).get(member) or person.cookies_of(member)
        if scene.sessions is not None:
            scene.sessions[member] = cookies
        person.come_in(cookies, f"#mission={scene.mission}")
        expect(person.page.get_by_role("heading", level=1)).to_have_text(scene.codename)
        person.loaded()
        return person

    return come
