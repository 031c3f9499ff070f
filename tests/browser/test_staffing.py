"""A handler's work with missions, from making one to closing it."""

from playwright.sync_api import expect

from tests.browser.conftest import Enter, Scene
from tests.cast import ANALYST, HANDLER, NOVICE, OPERATIVE


def test_a_handler_makes_staffs_starts_and_closes_a_mission(enter: Enter, scene: Scene) -> None:
    """And who was added sees each step as it happens."""
    handler, novice = enter(HANDLER), enter(NOVICE)
    page = handler.page
    page.get_by_role("button", name="New mission").click()
    form = page.get_by_role("dialog", name="New mission")
    form.get_by_role("button", name="Create mission").click()
    expect(form.get_by_text("Give the mission a codename.")).to_be_visible()
    form.get_by_label("Codename").fill("Glass Harbour")
    form.get_by_label("Objective").fill("Watch the ferry.")
    assert handler.violations() == []
    form.get_by_role("button", name="Create mission").click()
    expect(form).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("Glass Harbour")
    expect(novice.page.get_by_role("link", name="Glass Harbour")).to_have_count(0)

    page.get_by_label("Add an agent").fill(NOVICE.codename[:3])
    page.get_by_role("button", name=f"Add {NOVICE.codename}").click()
    members = page.get_by_role("list", name="Members", exact=True)
    expect(members).to_contain_text(NOVICE.codename)
    expect(page.get_by_label("Add an agent")).to_be_focused()
    novice.open("Glass Harbour")

    page.get_by_role("button", name="Start mission").click()
    expect(page.locator(".mission-head .status")).to_have_text("Active")
    expect(novice.page.locator(".mission-head .status")).to_have_text("Active")
    handler.write("We begin.", kind="Status")
    expect(novice.entry("We begin.")).to_be_visible()

    page.get_by_role("button", name="Complete mission").click()
    question = page.get_by_role("dialog", name="Complete mission?")
    question.get_by_role("button", name="Complete mission").click()
    expect(question).to_be_hidden()
    expect(novice.page.locator(".mission-head .status")).to_have_text("Completed")
    expect(novice.page.get_by_role("button", name="Send")).to_be_disabled()
    expect(novice.entry("We begin.")).to_be_visible()

    page.get_by_role("button", name="Reopen mission").click()
    page.get_by_role("dialog").get_by_role("button", name="Reopen mission").click()
    expect(novice.page.locator(".mission-head .status")).to_have_text("Active")
    expect(novice.page.get_by_role("button", name="Send")).to_be_enabled()


def test_a_closed_mission_without_a_word_says_that_it_is_closed(enter: Enter, scene: Scene) -> None:
    """Nothing will appear there, so nothing is promised."""
    scene.programs[HANDLER].call("PATCH", f"/api/missions/{scene.mission}", {"status": "aborted"})
    novice = enter(NOVICE)
    expect(novice.page.get_by_role("heading", name="This mission is aborted")).to_be_visible()
    expect(novice.page.get_by_text("appears here as it happens")).to_have_count(0)


def test_a_member_is_removed_after_a_question(enter: Enter, scene: Scene) -> None:
    """The roster follows, and the focus has somewhere to be."""
    handler = enter(HANDLER)
    page = handler.page
    page.get_by_role("button", name=f"Remove {OPERATIVE.codename}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    members = page.get_by_role("list", name="Members", exact=True)
    expect(members.get_by_text(OPERATIVE.codename)).to_have_count(0)
    expect(members).to_contain_text(ANALYST.codename)


def test_an_edited_mission_changes_for_everybody(enter: Enter, scene: Scene) -> None:
    """Objective and classification; those cleared too low lose it at once."""
    handler, analyst, novice = enter(HANDLER), enter(ANALYST), enter(NOVICE)
    handler.page.get_by_role("button", name="Edit").click()
    form = handler.page.get_by_role("dialog", name="Edit mission")
    form.get_by_label("Objective").fill("Only the cleared.")
    form.get_by_label("Classification").select_option("Secret")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    expect(analyst.page.locator("#objective")).to_have_text("Only the cleared.")
    expect(novice.page.get_by_text("Your access to this mission has ended.")).to_be_visible()
    assert "Only the cleared." not in novice.page.content()


def test_operatives_are_offered_no_staffing(enter: Enter, scene: Scene) -> None:
    """No button that the server would refuse."""
    person = enter(NOVICE)
    expect(person.page.get_by_role("button", name="New mission")).to_be_hidden()
    expect(person.page.get_by_label("Add an agent")).to_have_count(0)
