"""What handlers and directors see beside the log: who is there, and what is overdue."""

from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Enter, Scene
from tests.browser.people import Person
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, Member
from tests.patience import PATIENCE

SOON = 25_000
"""Milliseconds: the shortest time for acknowledging is ten seconds, and the next comparison."""


def row(person: Person, member: Member) -> Locator:
    """The member's row in the roster."""
    members = person.page.get_by_role("list", name="Members", exact=True)
    return members.get_by_role("listitem").filter(has_text=member.codename)


def told_of(person: Person, frame: str) -> list[str]:
    """The frames of that type that came to this browser."""
    return [text for text in person.wire if f'"type":"{frame}"' in text]


def test_handlers_see_who_is_there_and_others_do_not(enter: Enter, scene: Scene) -> None:
    """In words and in shape, live, without moving the focus; the operative gets no frame of it."""
    handler, novice = enter(HANDLER), enter(NOVICE)
    expect(row(handler, NOVICE)).to_contain_text("Field operative, present")
    expect(row(handler, ANALYST)).to_contain_text("Analyst, absent")
    mark = row(handler, ANALYST).locator(".presence")
    expect(mark).to_have_attribute("data-presence", "absent")
    hollow = mark.evaluate("mark => getComputedStyle(mark).backgroundColor")
    button = handler.page.get_by_role("button", name=f"Remove {ANALYST.codename}")
    button.focus()
    analyst = enter(ANALYST)
    expect(row(handler, ANALYST)).to_contain_text("Analyst, present")
    assert mark.evaluate("mark => getComputedStyle(mark).backgroundColor") != hollow
    expect(button).to_be_focused()
    assert handler.violations() == []
    analyst.close()
    expect(row(handler, ANALYST)).to_contain_text("Analyst, absent", timeout=1000 * PATIENCE)

    scene.say("Radio check.")
    expect(novice.entry("Radio check.")).to_be_visible()
    assert told_of(novice, "presence") == []
    assert told_of(handler, "presence") != []
    assert ", present" not in novice.page.content()


def test_who_joins_the_mission_appears_in_the_roster(enter: Enter, scene: Scene) -> None:
    """Added by somebody else: the new member shows up, present, without a reload."""
    added = scene.programs[OPERATIVE].id
    program = scene.programs[HANDLER]
    program.call("DELETE", f"/api/missions/{scene.mission}/members/{added}")
    handler = enter(HANDLER)
    expect(row(handler, ANALYST)).to_be_visible()
    expect(row(handler, OPERATIVE)).to_have_count(0)
    program.call("POST", f"/api/missions/{scene.mission}/members", {"agent": added})
    enter(OPERATIVE)
    expect(row(handler, OPERATIVE)).to_contain_text("present")


def test_all_that_is_overdue_is_told_to_who_comes_late(enter: Enter, scene: Scene) -> None:
    """Also what is older than the page of the log; few at a time; it stays when the wire breaks."""
    asks: dict[str, Any] = {"kind": "order", "requires_ack": True, "ack_within": 10}
    for number in range(4):
        scene.say(f"Hold pier {number}.", **asks)
    for number in range(51):
        scene.say(f"Check {number}.")
    watcher = enter(DIRECTOR)
    expect(watcher.page.get_by_role("heading", name="Overdue (4)")).to_be_visible(timeout=SOON)

    handler, novice = enter(HANDLER), enter(NOVICE)
    column = handler.page.get_by_role("region", name="Overdue")
    expect(column.get_by_role("heading")).to_have_text("Overdue (4)")
    expect(column.locator(".card")).to_have_count(3)
    column.get_by_role("button", name="Show all (4)").click()
    expect(column.locator(".card")).to_have_count(4)
    expect(column.locator(".card").first).to_contain_text(
        f"Not acknowledged by {OPERATIVE.codename}"
    )
    expect(column.get_by_role("button", name="Show fewer")).to_be_focused()
    assert handler.violations() == []
    waiting = novice.page.get_by_role("region", name="To acknowledge")
    expect(waiting.locator(".card")).to_have_count(3)
    waiting.get_by_role("button", name="Show all (4)").click()
    waiting.locator(".card", has_text="Hold pier 0.").get_by_role("button").click()
    expect(waiting.locator(".card")).to_have_count(3)

    handler.page.route_web_socket("**/missions*", lambda socket: socket.connect_to_server())
    handler.page.reload()
    expect(column.get_by_role("heading")).to_have_text("Overdue (4)")
    handler.context.set_offline(True)
    handler.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(handler.link).to_contain_text("Reconnecting", timeout=20_000)
    expect(column.get_by_role("heading")).to_have_text("Overdue (4)")
    handler.context.set_offline(False)
    handler.live()
    expect(column.get_by_role("heading")).to_have_text("Overdue (4)")


def test_the_place_of_the_overdue_is_kept(enter: Enter, scene: Scene) -> None:
    """It has the height of a card while nothing is overdue, so that the first moves nothing."""
    handler = enter(HANDLER)
    column = handler.page.get_by_role("region", name="Overdue")
    expect(column).to_contain_text("Nothing is overdue.")
    card = column.evaluate("column => column.getBoundingClientRect().height")
    assert card > 150


def test_an_overdue_order_is_said_to_those_concerned_alone(enter: Enter, scene: Scene) -> None:
    """Aloud once, in the log and in the right column, with its clock and who is missing."""
    handler, operative, novice = enter(HANDLER), enter(OPERATIVE), enter(NOVICE)
    asks: dict[str, Any] = {"requires_ack": True, "ack_within": 10}
    order = scene.say("Hold the pier.", kind="order", classification="confidential", **asks)
    expect(operative.entry("Hold the pier.")).to_contain_text("due in")
    expect(handler.entry("Hold the pier.")).to_contain_text("due in")

    aloud = "[aria-live=assertive]"
    expect(operative.page.locator(aloud)).to_contain_text("Overdue, waits for you", timeout=SOON)
    expect(operative.page.locator(".card.late")).to_contain_text("overdue by")
    expect(operative.entry("Hold the pier.")).to_contain_text("overdue by")
    both = f"Not acknowledged by {OPERATIVE.codename} and {ANALYST.codename}"
    expect(handler.page.locator(aloud)).to_contain_text(both, timeout=SOON)
    column = handler.page.get_by_role("region", name="Overdue")
    for place in (column, handler.entry("Hold the pier.")):
        expect(place).to_contain_text("overdue by")
        expect(place).to_contain_text(both)
    assert handler.violations() == []
    assert operative.violations() == []

    operative.entry("Hold the pier.").get_by_role("button", name="Acknowledge").click()
    expect(operative.page.locator(".late")).to_have_count(0)
    only = f"Not acknowledged by {ANALYST.codename}"
    expect(column).to_contain_text(only)
    handler.page.reload()
    expect(column).to_contain_text(only)
    column.get_by_role("button", name="Show in log").click()
    expect(handler.entry("Hold the pier.")).to_be_focused()
    expect(handler.page.locator(aloud)).to_be_empty()
    assert len(told_of(handler, "overdue")) == 1
    scene.programs[ANALYST].call("POST", f"/api/updates/{order}/acknowledge")
    expect(column).to_contain_text("Nothing is overdue.")
    expect(handler.page.locator(".late")).to_have_count(0)

    scene.say("Radio check.")
    for person in (operative, novice):
        expect(person.entry("Radio check.")).to_be_visible()
        assert told_of(person, "overdue") == []
    assert not any("Hold the pier." in text for text in novice.wire)
    assert "Hold the pier." not in novice.page.content()


def test_receipts_that_are_shown_follow_over_a_cut_wire(enter: Enter, scene: Scene) -> None:
    """Who acknowledged meanwhile is in the list, though no frame told of it."""
    handler = enter(HANDLER)
    handler.page.route_web_socket("**/missions*", lambda socket: socket.connect_to_server())
    handler.page.reload()
    handler.live()
    order = scene.say("Hold the pier.", kind="order", requires_ack=True)
    handler.entry("Hold the pier.").get_by_role("button", name="Receipts").click()
    receipts = handler.entry("Hold the pier.").get_by_role("list")
    expect(receipts.locator("li", has_text=NOVICE.codename)).to_contain_text("not yet")
    handler.context.set_offline(True)
    handler.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(handler.link).to_contain_text("Reconnecting", timeout=20_000)
    scene.programs[NOVICE].call("POST", f"/api/updates/{order}/acknowledge")
    handler.context.set_offline(False)
    expect(receipts.locator("li", has_text=NOVICE.codename)).to_contain_text(
        "acknowledged", timeout=20_000
    )
