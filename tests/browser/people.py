"""People at their browsers, and the programs beside them that set a scene.

A person has a context of its own (cookies, storage) and remembers everything that the wire brought:
every frame of every WebSocket and every answer, so that "never came here" can be shown.
"""

import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect

from tests.cast import PASSWORD, Member
from tests.hq_server import HQServer
from tests.patience import PATIENCE
from tests.processes import ROOT

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 360, "height": 640}
LOADING = ".log-state .bones"
"""What stands in place of the log until it is there."""


class Person:
    """One of the cast at a browser. `wire` is all text that came to it, `complaints` what the
    browser's console said about scripts and policy."""

    def __init__(
        self,
        browser: Browser,
        server: HQServer,
        *,
        size: Mapping[str, int] = WIDE,
        theme: str = "light",
    ) -> None:
        self.server = server
        self.context = browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            color_scheme="dark" if theme == "dark" else "light",
        )
        self.page: Page = self.context.new_page()
        self.wire: list[str] = []
        self.sent: list[str] = []
        self.complaints: list[str] = []
        self.page.on("websocket", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self._heard(said.text))

    def log_in(self, member: Member) -> Self:
        """By the form, until the room is live."""
        self.fill_in(member)
        self.live()
        return self

    def cookies_of(self, member: Member) -> list[Any]:
        """Logs in by the API: what a browser keeps of it."""
        who = {"username": member.username, "password": PASSWORD, "transport": "cookie"}
        answer = self.context.request.post(f"{self.server.url}/api/auth/login", data=who)
        assert answer.ok, answer.text()
        return list(self.context.cookies())

    def come_in(self, cookies: list[Any], where: str = "") -> Self:
        """With the cookies of a login straight into the room, until it is live."""
        self.context.add_cookies(cookies)
        self.page.goto(f"{self.server.url}/{where}")
        self.live()
        return self

    def fill_in(self, member: Member) -> None:
        """Fills the form and sends it."""
        self.page.goto(f"{self.server.url}/login")
        self.page.get_by_label("Username").fill(member.username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()

    def live(self) -> None:
        """Waits until the connection says so and the log is there: what comes now is news."""
        expect(self.link).to_have_text("Live", timeout=45_000)
        self.loaded()

    def loaded(self) -> None:
        """Waits until nothing is loading in place of the log."""
        expect(self.page.locator(LOADING)).to_have_count(0)

    @property
    def link(self) -> Locator:
        """The connection state, in words."""
        return self.page.locator("[data-link-text]").locator("visible=true").first

    @property
    def standing(self) -> Locator:
        """Their own role and clearance, as the room shows them."""
        return self.page.locator("#own-standing")

    @property
    def log(self) -> Locator:
        """The mission log."""
        return self.page.get_by_role("region", name="Mission log")

    def entry(self, text: str) -> Locator:
        """The entries of the log that hold this text."""
        return self.log.locator(".entry", has_text=text)

    def open(self, mission: str) -> None:
        """Chooses a mission in the rail."""
        self.page.get_by_role("link", name=mission).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(mission)
        self.loaded()

    def write(self, text: str, *, kind: str = "Message", classification: str | None = None) -> None:
        """Fills the composer and sends."""
        self.page.get_by_label("Kind").select_option(kind)
        if classification:
            self.page.get_by_label("Classification", exact=True).first.select_option(classification)
        self.message.fill(text)
        self.page.get_by_role("button", name="Send").click()

    @property
    def message(self) -> Locator:
        """The composer's field."""
        return self.page.get_by_label("Message", exact=True)

    def violations(self) -> list[str]:
        """What axe finds on the page as it is now."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{rule['id']}: {node['html'][:160]}: {node['failureSummary']}"
            for rule in found
            for node in rule["nodes"]
        ]

    def close(self) -> None:
        """Leaves."""
        self.context.close()

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.wire.append(_text(frame)))
        socket.on("framesent", lambda frame: self.sent.append(_text(frame)))

    def _heard(self, said: str) -> None:
        if "Content Security Policy" in said or "Refused to" in said:
            self.complaints.append(said)


def _text(frame: str | bytes) -> str:
    return frame if isinstance(frame, str) else frame.decode(errors="replace")


class Program:
    """One of the cast as a program, over REST."""

    def __init__(self, server: HQServer, member: Member) -> None:
        self.http = httpx.Client(
            base_url=server.url, timeout=PATIENCE, trust_env=False, verify=server.trust or True
        )
        who = {"username": member.username, "password": PASSWORD, "transport": "body"}
        answer = self.call("POST", "/api/auth/login", who)
        self.http.headers["Authorization"] = f"Bearer {answer['access']}"
        self.id: str = answer["agent"]["id"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.http.close()

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The decoded answer; an error of httpx unless it is 2xx."""
        response = self.http.request(method, path, json=body)
        response.raise_for_status()
        return response.json() if response.content else None

    def mission(self, codename: str, *members: "Program", status: str = "active") -> str:
        """A new mission with these members; its id."""
        about = {"codename": codename, "objective": "", "classification": "restricted"}
        mission = str(self.call("POST", "/api/missions", about)["id"])
        for member in members:
            self.call("POST", f"/api/missions/{mission}/members", {"agent": member.id})
        if status != "planned":
            self.call("PATCH", f"/api/missions/{mission}", {"status": status})
        return mission

    def publish(self, mission: str, body: str, **fields: object) -> str:
        """A new update, a message unless said otherwise; its id."""
        draft = {"kind": "message", "body": body, **fields}
        return str(self.call("POST", f"/api/missions/{mission}/updates", draft)["id"])


def manage(server: HQServer, *words: str) -> None:
    """Runs a command of `manage.py` as the operator of that server."""
    command = [sys.executable, "manage.py", *words]
    subprocess.run(command, cwd=ROOT, env=server.env, check=True, capture_output=True, timeout=60)
