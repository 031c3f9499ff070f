"""The composer: what it offers, and that nothing typed is ever lost or sent twice."""

from playwright.sync_api import Dialog, expect

from tests.browser.conftest import Enter, Scene
from tests.cast import HANDLER, NOVICE, OPERATIVE


def test_it_offers_what_this_agent_may_send(enter: Enter, scene: Scene) -> None:
    """Orders and status lines to handlers alone; classifications up to the own clearance."""
    operative, handler = enter(OPERATIVE), enter(HANDLER)
    expect(operative.page.get_by_label("Kind").locator("option")).to_have_text(
        ["Message", "Report", "Alert", "Position"]
    )
    expect(operative.page.locator("#classification option")).to_have_text(
        ["Restricted", "Confidential"]
    )
    expect(handler.page.get_by_label("Kind").locator("option")).to_have_text(
        ["Message", "Report", "Order", "Alert", "Status", "Position"]
    )


def test_a_refused_publish_keeps_the_text_and_says_why(enter: Enter, scene: Scene) -> None:
    """The server's sentence stands beside the field; the next try, put right, is the only entry."""
    person = enter(NOVICE)
    refused: list[str] = []

    def tamper(socket: object) -> None:
        server = socket.connect_to_server()  # type: ignore[attr-defined]

        def to_server(message: str) -> None:
            if '"publish"' in message and not refused:
                refused.append(message)
                message = message.replace('"restricted"', '"top-secret"')
            server.send(message)

        socket.on_message(to_server)  # type: ignore[attr-defined]

    person.page.route_web_socket("**/missions*", tamper)
    person.page.reload()
    person.live()
    person.message.fill("Seen from the pier.")
    person.message.press("Control+Enter")
    problem = person.page.locator("#message-problem")
    expect(problem).not_to_be_empty()
    expect(person.message).to_have_value("Seen from the pier.")
    expect(person.message).to_have_attribute("aria-invalid", "true")
    expect(person.message).to_have_accessible_description(
        problem.inner_text() + " Ctrl+Enter sends"
    )
    person.message.press("Control+Enter")
    expect(person.entry("Seen from the pier.")).to_have_count(1)
    expect(person.message).to_have_value("")
    expect(problem).to_be_empty()


def test_what_was_sent_as_the_wire_broke_is_one_entry(enter: Enter, scene: Scene) -> None:
    """The answer is lost on the way: it is sent again with the same client_id and appears once."""
    person = enter(NOVICE)
    heard: list[str] = []

    def tamper(socket: object) -> None:
        server = socket.connect_to_server()  # type: ignore[attr-defined]

        def to_server(message: str) -> None:
            heard.append(message)
            server.send(message)
            if '"publish"' in message and len(published()) == 1:
                socket.close(code=1012)  # type: ignore[attr-defined]

        socket.on_message(to_server)  # type: ignore[attr-defined]

    def published() -> list[str]:
        return [message for message in heard if '"publish"' in message]

    person.page.route_web_socket("**/missions*", tamper)
    person.page.reload()
    person.live()
    person.write("Exactly once.")
    expect(person.message).to_have_value("", timeout=20_000)
    expect(person.entry("Exactly once.")).to_have_count(1)
    first, again = published()
    assert first == again


def test_a_closed_mission_says_so_and_offers_nothing(enter: Enter, scene: Scene) -> None:
    """It closes while somebody writes: the field is shut with the reason under it."""
    person = enter(NOVICE)
    person.message.fill("Too la")
    scene.programs[HANDLER].call("PATCH", f"/api/missions/{scene.mission}", {"status": "completed"})
    expect(
        person.page.get_by_text("This mission is completed and takes no updates.")
    ).to_be_visible()
    expect(person.page.get_by_role("button", name="Send")).to_be_disabled()


def test_a_send_that_comes_too_late_is_answered_in_one_sentence(enter: Enter, scene: Scene) -> None:
    """What the mission's state says already is not said again in red."""
    person = enter(NOVICE)

    def tamper(socket: object) -> None:
        server = socket.connect_to_server()  # type: ignore[attr-defined]

        def to_server(message: str) -> None:
            if '"publish"' in message:
                close = {"status": "completed"}
                scene.programs[HANDLER].call("PATCH", f"/api/missions/{scene.mission}", close)
            server.send(message)

        socket.on_message(to_server)  # type: ignore[attr-defined]

    person.page.route_web_socket("**/missions*", tamper)
    person.page.reload()
    person.live()
    person.message.fill("Too late.")
    person.page.get_by_role("button", name="Send").click()
    expect(person.page.get_by_text("takes no updates")).to_have_count(1)
    expect(person.page.locator("#composer-hint")).to_contain_text("This mission is completed")
    expect(person.message).to_have_value("Too late.")


def test_drafts_belong_to_their_mission(enter: Enter, scene: Scene) -> None:
    """Changing the mission and back finds the text again, and everything that was chosen for it."""
    first = scene.codename
    scene.fresh()
    person = enter(HANDLER)
    page = person.page
    page.get_by_label("Kind").select_option("Order")
    page.locator("#classification").select_option("Secret")
    page.locator("#audience summary").click()
    page.get_by_label("Handlers").check()
    page.get_by_label("Acknowledge", exact=True).uncheck()
    person.message.fill("for the second")
    person.open(first)
    expect(person.message).to_have_value("")
    expect(page.locator("#classification")).to_have_value("restricted")
    expect(page.locator("#audience-name")).to_have_text("everyone")
    person.open(scene.codename)
    expect(person.message).to_have_value("for the second")
    expect(page.get_by_label("Kind")).to_have_value("order")
    expect(page.locator("#classification")).to_have_value("secret")
    expect(page.locator("#audience-name")).to_have_text("handlers")
    expect(page.get_by_label("Acknowledge", exact=True)).not_to_be_checked()


def test_a_draft_is_not_raised_unasked_with_its_mission(enter: Enter, scene: Scene) -> None:
    """The mission is reclassified under it: it says so, and waits until somebody has chosen."""
    person = enter(HANDLER)
    page = person.page
    page.get_by_label("Kind").select_option("Order")
    page.get_by_label("Acknowledge", exact=True).uncheck()
    person.message.fill("Hold the pier.")
    above = {"classification": "confidential"}
    scene.programs[HANDLER].call("PATCH", f"/api/missions/{scene.mission}", above)
    problem = page.get_by_text("Restricted is not possible here any more. Choose anew.")
    expect(problem).to_be_visible()
    expect(page.get_by_label("Acknowledge", exact=True)).not_to_be_checked()
    person.message.press("Control+Enter")
    expect(page.locator("#classification")).to_be_focused()
    expect(page.locator("#classification")).to_have_accessible_description(problem.inner_text())
    page.locator("#classification").select_option("Secret")
    person.message.press("Control+Enter")
    expect(person.entry("Hold the pier.")).to_contain_text("Secret")


def test_a_page_with_a_draft_asks_before_it_goes(enter: Enter, scene: Scene) -> None:
    """And without one it does not."""
    person = enter(NOVICE)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    person.page.on("dialog", stay)
    person.message.click()
    person.page.keyboard.type("half a sentence")
    with person.page.expect_event("dialog"):
        person.page.close(run_before_unload=True)
    expect(person.message).to_have_value("half a sentence")
    person.message.press("Control+Enter")
    expect(person.message).to_have_value("")
    person.page.reload()
    person.live()
    assert asked == ["beforeunload"]


def test_a_report_for_handlers_stays_visible_to_its_author(enter: Enter, scene: Scene) -> None:
    """The own stream lacks it; the author sees it, marked, also after a reload."""
    person, other = enter(NOVICE), enter(OPERATIVE)
    person.page.locator("#audience summary").click()
    person.page.get_by_label("Handlers").check()
    person.write("For handlers.", kind="Report")
    note = "Sent to handlers. You see it here because you wrote it."
    expect(person.entry("For handlers.")).to_contain_text(note)
    person.page.reload()
    expect(person.entry("For handlers.")).to_contain_text(note)
    scene.say("Fence.")
    expect(other.entry("Fence.")).to_be_visible()
    assert "For handlers." not in other.page.content()


def test_an_order_is_acknowledged_and_the_handler_sees_by_whom(enter: Enter, scene: Scene) -> None:
    """From the right column; it leaves the list, stays acknowledged, and shows in the receipts."""
    handler, operative = enter(HANDLER), enter(OPERATIVE)
    handler.write("Hold the pier.", kind="Order")
    waiting = operative.page.get_by_role("region", name="To acknowledge")
    expect(waiting.locator(".card", has_text="Hold the pier.")).to_contain_text("due in")
    waiting.locator(".card", has_text="Hold the pier.").get_by_role("button").click()
    expect(operative.entry("Hold the pier.").locator(".done")).to_have_text("Acknowledged")
    expect(waiting.locator(".card", has_text="Hold the pier.")).to_have_count(0)
    operative.page.reload()
    expect(operative.entry("Hold the pier.").locator(".done")).to_have_text("Acknowledged")
    handler.entry("Hold the pier.").get_by_role("button", name="Receipts").click()
    receipts = handler.entry("Hold the pier.").get_by_role("list")
    expect(receipts.get_by_text(f"{OPERATIVE.codename}, field operative")).to_be_visible()
    expect(receipts.locator("li", has_text=OPERATIVE.codename)).to_contain_text("acknowledged")
    expect(receipts.locator("li", has_text=NOVICE.codename)).to_contain_text("not yet")


def test_a_position_is_checked_before_it_leaves(enter: Enter, scene: Scene) -> None:
    """Degrees out of range are said beside the field; a comma is as good as a point."""
    person = enter(NOVICE)
    person.page.get_by_label("Kind").select_option("Position")
    person.page.get_by_label("Lat").fill("95")
    person.page.get_by_label("Lon").fill("10,5")
    person.message.fill("At the pier.")
    person.message.press("Control+Enter")
    lat, problem = person.page.get_by_label("Lat"), "Lat is a number of degrees from -90 to 90."
    expect(person.page.get_by_text(problem)).to_be_visible()
    expect(lat).to_be_focused()
    expect(lat).to_have_attribute("aria-invalid", "true")
    expect(lat).to_have_accessible_description(problem)
    expect(person.message).not_to_have_attribute("aria-invalid", "true")
    lat.fill("59,9")
    expect(person.page.get_by_text(problem)).to_be_hidden()
    person.page.get_by_label("Lon").fill("")
    person.message.press("Control+Enter")
    expect(person.page.get_by_label("Lon")).to_be_focused()
    person.page.get_by_label("Lon").fill("10,5")
    person.message.press("Control+Enter")
    expect(person.entry("At the pier.")).to_contain_text("59.90000° N 10.50000° E")
