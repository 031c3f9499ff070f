"""What handlers and directors may do to an entry, and how everybody's screen follows."""

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Enter, Scene
from tests.browser.people import Person
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE

BERTH = "The boat is at berth nine."


def opened(person: Person, text: str) -> Locator:
    """The panel of that entry, opened with the pointer."""
    person.entry(text).hover()
    person.entry(text).get_by_role("button", name="Actions for this").click()
    return person.page.get_by_role("group", name="Change this entry")


def holds(person: Person, text: str) -> bool:
    """Whether the page has these words anywhere."""
    return text in person.page.content()


def test_a_reclassified_entry_leaves_every_screen_that_may_not_have_it(
    enter: Enter, scene: Scene
) -> None:
    """And comes to those who may again; what left is in no later frame and not in the page."""
    scene.say(BERTH)
    handler, analyst, novice = enter(HANDLER), enter(ANALYST), enter(NOVICE)
    expect(novice.entry(BERTH)).to_be_visible()
    panel = opened(handler, BERTH)
    panel.get_by_role("button", name="Change who may see it").click()
    panel.get_by_label("Classification").select_option("Secret")
    assert handler.violations() == []
    panel.get_by_role("button", name="Save").click()
    expect(novice.entry(BERTH)).to_have_count(0)
    for person in (handler, analyst):
        expect(person.entry(BERTH).locator(".mark")).to_contain_text("Secret")
        expect(person.log.locator(".banner").first).to_have_text("Secret")
    expect(panel).to_have_count(0)
    had = len(novice.wire)
    scene.say("Radio check.")
    expect(novice.entry("Radio check.")).to_be_visible()
    assert not holds(novice, BERTH)
    assert not any(BERTH in text for text in novice.wire[had:])

    panel = opened(handler, BERTH)
    panel.get_by_role("button", name="Change who may see it").click()
    panel.get_by_label("Classification").select_option("Restricted")
    panel.get_by_label("Analysts").check()
    expect(panel).to_contain_text("Without handlers it leaves your log too.")
    panel.get_by_label("Analysts").uncheck()
    panel.get_by_role("button", name="Save").click()
    expect(novice.entry(BERTH)).to_be_visible()
    expect(analyst.entry(BERTH).locator(".mark")).to_contain_text("Restricted")


def test_a_retracted_entry_is_gone_everywhere_and_for_good(enter: Enter, scene: Scene) -> None:
    """By keyboard, after a question in place; the focus stays in the log."""
    scene.say("All quiet.")
    scene.say(BERTH)
    handler, novice = enter(HANDLER), enter(NOVICE)
    expect(handler.entry(BERTH)).to_be_visible()
    expect(novice.entry(BERTH)).to_be_visible()
    keys = handler.page.keyboard
    keys.press("k")
    expect(handler.entry(BERTH)).to_be_focused()
    keys.press("e")
    panel = handler.page.get_by_role("group", name="Change this entry")
    expect(panel.get_by_role("button", name="Change who may see it")).to_be_focused()
    keys.press("Escape")
    expect(panel).to_have_count(0)
    expect(handler.entry(BERTH).get_by_role("button", name="Actions")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(panel.get_by_role("button", name="Retract")).to_be_focused()
    keys.press("Enter")
    expect(panel).to_contain_text("Retract this entry?")
    expect(panel.get_by_role("button", name="Retract")).to_be_focused()
    expect(novice.entry(BERTH)).to_be_visible()
    keys.press("Enter")
    for person in (handler, novice):
        expect(person.entry(BERTH)).to_have_count(0)
        expect(person.entry("All quiet.")).to_be_visible()
        assert not holds(person, BERTH)
    expect(handler.entry("All quiet.")).to_be_focused()
    had = len(novice.wire)
    novice.page.reload()
    expect(novice.entry("All quiet.")).to_be_visible()
    assert not any(BERTH in text for text in novice.wire[had:])


def test_a_panel_on_an_entry_that_somebody_else_retracts_goes_with_it(
    enter: Enter, scene: Scene
) -> None:
    """Nothing is left to send."""
    update = scene.say(BERTH)
    scene.say("All quiet.")
    handler = enter(HANDLER)
    panel = opened(handler, BERTH)
    panel.get_by_role("button", name="Retract").click()
    scene.programs[DIRECTOR].call("DELETE", f"/api/updates/{update}")
    expect(panel).to_have_count(0)
    expect(handler.entry("All quiet.")).to_be_visible()
    assert not holds(handler, BERTH)


def test_operatives_and_analysts_are_offered_nothing(enter: Enter, scene: Scene) -> None:
    """No button in the page, and the key does nothing."""
    scene.say(BERTH)
    for member in (ANALYST, NOVICE):
        person = enter(member)
        expect(person.entry(BERTH)).to_be_visible()
        person.page.keyboard.press("k")
        person.page.keyboard.press("e")
        expect(person.page.get_by_role("button", name="Actions for this")).to_have_count(0)
        expect(person.page.get_by_role("group", name="Change this entry")).to_have_count(0)
