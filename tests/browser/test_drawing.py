"""The room when the browser is late with its frames, or gives none."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Enter, Scene
from tests.browser.people import LOADING
from tests.cast import NOVICE

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
