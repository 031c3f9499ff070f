"""The room when the browser is late with its frames or gives none, and when HQ's answer is late."""

import re
from collections.abc import Callable

from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import Enter, Scene
from tests.browser.people import LOADING, Person, manage
from tests.cast import NOVICE, OPERATIVE

HIDE = """() => {
  Object.defineProperty(document, 'hidden', { value: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
HELD = """(() => {
  const frame = window.requestAnimationFrame.bind(window);
  const held = [];
  window.requestAnimationFrame = run => {
    held.push(run);
    console.log("asked for a frame");
  };
  window.paint = () => { window.requestAnimationFrame = frame; held.forEach(run => frame(run)); };
})()"""

TELLS = """(() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) { send.call(this, data); console.log(data); };
})()"""


def late_answers(person: Person) -> Callable[[], None]:
    """Once it is called, HQ's answers to subscriptions do not come any more; all else does."""
    late = False

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def to_room(said: str | bytes) -> None:
            if not (late and '"type":"subscribed"' in str(said)):
                socket.send(said)

        server.on_message(to_room)

    def begin() -> None:
        nonlocal late
        late = True

    person.page.route_web_socket("**/missions*", route)
    person.page.reload()
    person.live()
    return begin


def test_a_first_frame_that_is_late_shows_the_log(visitor: Enter, scene: Scene) -> None:
    """On a busy machine all may be there before anything is drawn once."""
    scene.say("All quiet.")
    person = visitor()
    person.page.add_init_script(HELD)
    person.context.add_cookies(person.cookies_of(NOVICE))
    # What it asks for once it holds the log.
    with person.page.expect_request(lambda request: "/updates?" in request.url):
        person.page.goto(f"{scene.server.url}/#mission={scene.mission}")
    expect(person.page.locator(LOADING)).to_have_count(1)
    person.page.evaluate("paint()")
    expect(person.entry("All quiet.")).to_be_visible()
    person.loaded()


def test_a_tab_that_is_left_before_its_frame_goes_on_counting(enter: Enter, scene: Scene) -> None:
    """The title tells of what came since, though no frame comes."""
    person = enter(NOVICE)
    person.page.evaluate(HELD)
    with person.page.expect_event("console", lambda said: said.text == "asked for a frame"):
        scene.say("Seen.")
    person.page.evaluate(HIDE)
    scene.say("Unseen.")
    expect(person.page).to_have_title(re.compile(r"^\([12]\) "))


def test_a_lowered_clearance_waits_for_no_answer(enter: Enter, scene: Scene) -> None:
    """Its news comes in one frame with the list of what is left: the old log goes with it."""
    scene.say("Confidential news.", classification="confidential")
    person = enter(OPERATIVE)
    begin = late_answers(person)
    expect(person.entry("Confidential news.")).to_be_visible()
    begin()
    person.page.evaluate(HELD)
    person.page.evaluate(TELLS)
    try:
        with person.page.expect_event("console", lambda said: '"subscribe"' in said.text):
            manage(scene.server, "set_access", OPERATIVE.username, "--clearance", "restricted")
        person.page.evaluate("paint()")
        expect(person.standing).to_have_text("Field operative, restricted")
        assert "Confidential news." not in person.page.content()
        expect(person.page.locator(LOADING)).to_have_count(1)
    finally:
        manage(scene.server, "set_access", OPERATIVE.username, "--clearance", "confidential")


def test_a_clearance_lowered_while_away_waits_for_no_answer(enter: Enter, scene: Scene) -> None:
    """The room hears of it as it is back, and asks for the log at once."""
    scene.say("Confidential news.", classification="confidential")
    person = enter(OPERATIVE)
    begin = late_answers(person)
    expect(person.entry("Confidential news.")).to_be_visible()
    begin()
    person.context.set_offline(True)
    person.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(person.link).to_contain_text("Reconnecting", timeout=20_000)
    manage(scene.server, "set_access", OPERATIVE.username, "--clearance", "restricted")
    try:
        person.context.set_offline(False)
        expect(person.standing).to_have_text("Field operative, restricted", timeout=20_000)
        assert "Confidential news." not in person.page.content()
        expect(person.page.locator(LOADING)).to_have_count(1)
    finally:
        manage(scene.server, "set_access", OPERATIVE.username, "--clearance", "confidential")
