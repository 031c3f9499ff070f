"""The room when the wire breaks: it says so, keeps what is there, comes back whole by itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Enter, Scene, staged
from tests.browser.people import Person, Program, manage
from tests.cast import ANALYST, HANDLER, NOVICE, OPERATIVE
from tests.conftest import Serve
from tests.databases import Databases

COLOURS = """send => {
  send.getAnimations().forEach(one => one.finish());
  const { color, backgroundColor } = getComputedStyle(send);
  return [color, backgroundColor];
}"""
NUMBERS = "entries => entries.map(entry => entry.querySelector('.body').textContent)"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Scene]:
    """An HQ of this module's own: it is stopped and started, and sessions end."""
    with staged(tmp_path_factory.mktemp("browser"), databases, harmed=True) as scene:
        yield scene


def test_a_server_that_restarts_is_waited_for_and_the_room_is_whole(
    enter: Enter, scene: Scene
) -> None:
    """Stopped and started: content stays, the draft stays, what was missed comes, all once."""
    scene.say("Before.")
    person = enter(NOVICE)
    expect(person.entry("Before.")).to_be_visible()
    person.message.fill("half a sentence")
    scene.server.stop()
    expect(person.link).to_contain_text("Reconnecting", timeout=45_000)
    send, problem = person.page.locator("#send"), person.page.locator("#message-problem")
    colour = send.evaluate(COLOURS)
    send.hover(force=True)
    person.message.press("Control+Enter")
    expect(problem).to_contain_text("HQ is not connected. Your text is kept")
    assert send.evaluate(COLOURS) == colour
    expect(person.entry("Before.")).to_be_visible()
    hint = "Not connected. Your draft is kept; you can send it when the room is live again."
    expect(person.page.get_by_text(hint)).to_be_visible()
    scene.server.start()
    with Program(scene.server, HANDLER) as handler:
        handler.publish(scene.mission, "Meanwhile.")
        person.live()
        handler.publish(scene.mission, "After.")
    expect(person.entry("After.")).to_be_visible()
    bodies = person.log.locator(".entry").evaluate_all(NUMBERS)
    assert bodies == ["Before.", "Meanwhile.", "After."]
    expect(person.message).to_have_value("half a sentence")
    expect(problem).to_be_empty()
    assert any('"after"' in frame for frame in person.sent)
    person.page.get_by_role("button", name="Send").click()
    expect(person.entry("half a sentence")).to_have_count(1)


def test_a_cut_wire_is_resumed_without_a_double(enter: Enter, scene: Scene) -> None:
    """Offline while others write: the room continues after the last entry and marks the place."""
    scene.say("One.")
    person = enter(NOVICE)
    expect(person.entry("One.")).to_be_visible()
    person.page.route_web_socket("**/missions*", lambda socket: socket.connect_to_server())
    person.page.reload()
    person.live()
    expect(person.entry("One.")).to_be_visible()
    person.context.set_offline(True)
    person.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(person.link).to_contain_text("Reconnecting", timeout=45_000)
    scene.say("Two.")
    scene.say("Three.")
    person.context.set_offline(False)
    person.live()
    expect(person.log.get_by_text("2 updates arrived meanwhile")).to_be_visible()
    bodies = person.log.locator(".entry").evaluate_all(NUMBERS)
    assert bodies == ["One.", "Two.", "Three."]


def test_an_ended_session_empties_the_room_and_says_why(enter: Enter, scene: Scene) -> None:
    """Within seconds; the way back is the form."""
    scene.say("For your eyes.")
    person = enter(ANALYST)
    expect(person.entry("For your eyes.")).to_be_visible()
    manage(scene.server, "end_sessions", ANALYST.username)
    dialog = person.page.get_by_role("dialog", name="Signed out")
    expect(dialog).to_contain_text("The session was ended by an administrator.")
    expect(person.entry("For your eyes.")).to_have_count(0)
    for gone in ("For your eyes.", scene.codename, ANALYST.codename):
        assert gone not in person.page.content()
    assert person.violations() == []
    dialog.get_by_role("link", name="Log in again").click()
    person.page.wait_for_url("**/login#again")


def test_a_lowered_clearance_takes_the_content_at_once(enter: Enter, scene: Scene) -> None:
    """The room says what changed and shows what is left, and only that."""
    scene.say("Restricted news.")
    scene.say("Confidential news.", classification="confidential")
    person = enter(OPERATIVE)
    expect(person.entry("Confidential news.")).to_be_visible()
    manage(scene.server, "set_access", OPERATIVE.username, "--clearance", "restricted")
    try:
        notice = "Your access changed: Field operative, cleared for restricted."
        expect(person.page.get_by_text(notice)).to_be_visible()
        expect(person.entry("Restricted news.")).to_be_visible()
        assert "Confidential news." not in person.page.content()
        options = person.page.get_by_label("Classification").first.locator("option")
        expect(options).to_have_text(["Restricted"])
        person.page.get_by_role("button", name="Dismiss this notice").click()
        expect(person.page.get_by_text(notice)).to_be_hidden()
    finally:
        manage(scene.server, "set_access", OPERATIVE.username, "--clearance", "confidential")


def test_a_draft_above_a_lowered_clearance_is_never_sent_lower(enter: Enter, scene: Scene) -> None:
    """It stays what it was, says so beside the field, and does not leave until somebody chooses."""
    person, other = enter(OPERATIVE), enter(NOVICE)
    page = person.page
    page.get_by_label("Kind").select_option("Alert")
    page.locator("#classification").select_option("Confidential")
    page.get_by_label("Acknowledge", exact=True).check()
    person.message.fill("The depot is watched.")
    manage(scene.server, "set_access", OPERATIVE.username, "--clearance", "restricted")
    try:
        problem = page.get_by_text("Confidential is not possible here any more. Choose anew.")
        expect(problem).to_be_visible()
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#classification")).to_be_focused()
        assert person.violations() == []
        expect(page.get_by_label("Acknowledge", exact=True)).to_be_checked()
        scene.say("Fence.")
        expect(other.entry("Fence.")).to_be_visible()
        assert "The depot is watched." not in other.page.content()
        page.locator("#classification").select_option("Restricted")
        expect(problem).to_be_hidden()
        page.get_by_role("button", name="Send").click()
        expect(person.entry("The depot is watched.")).to_be_visible()
    finally:
        manage(scene.server, "set_access", OPERATIVE.username, "--clearance", "confidential")


def test_a_mission_granted_after_a_change_of_access_stays(enter: Enter, scene: Scene) -> None:
    """No list that was asked for before it comes over it."""
    person = enter(NOVICE)
    first = scene.codename
    manage(scene.server, "set_access", NOVICE.username, "--role", "analyst")
    try:
        scene.fresh()
        expect(person.page.get_by_text("Your access changed: Analyst")).to_be_visible()
        for codename in (first, scene.codename):
            expect(person.page.get_by_role("link", name=codename)).to_be_visible()
        assert not any(
            "/api/missions?" in url or url.endswith("/api/missions") for url in asked(person)
        )
    finally:
        manage(scene.server, "set_access", NOVICE.username, "--role", "field-operative")


def asked(person: Person) -> list[str]:
    """Every address that the page has fetched."""
    script = "() => performance.getEntriesByType('resource').map(one => one.name)"
    return list(person.page.evaluate(script))


def test_a_member_who_is_removed_sees_it_at_once(enter: Enter, scene: Scene) -> None:
    """Content gone, one sentence."""
    scene.say("Members only.")
    person = enter(NOVICE)
    expect(person.entry("Members only.")).to_be_visible()
    novice = scene.programs[NOVICE].id
    scene.programs[HANDLER].call("DELETE", f"/api/missions/{scene.mission}/members/{novice}")
    expect(person.page.get_by_text("Your access to this mission has ended.")).to_be_visible()
    assert "Members only." not in person.page.content()
    assert scene.codename not in person.page.content()


def test_a_session_is_refreshed_in_place(browser: Browser, serve: Serve) -> None:
    """Before the expiry: a new cookie pair, a ticket made with it, and the same socket lives on."""
    person = Person(browser, serve(settings={"HQ_ACCESS_MINUTES": "1"}))
    try:
        with (
            person.page.expect_response(
                lambda response: response.ok and response.url.endswith("/api/auth/refresh"),
                timeout=45_000,
            ) as renewed,
            person.page.expect_response("**/api/auth/ticket", timeout=45_000) as ticket,
        ):
            with person.page.expect_websocket() as opened:
                person.fill_in(HANDLER)
            opened.value.wait_for_event(
                "framereceived", lambda frame: '"refreshed"' in frame, timeout=45_000
            )
        assert (renewed.value.status, ticket.value.status) == (200, 201)
        expect(person.link).to_have_text("Live")
        assert not opened.value.is_closed()
        assert not any("eyJ" in frame for frame in person.sent)
    finally:
        person.close()
