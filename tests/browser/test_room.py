"""Three people in one room: each sees what the rule gives, at once, and nothing else."""

from playwright.sync_api import expect

from tests.browser.conftest import Enter, Scene
from tests.browser.people import NARROW
from tests.cast import ANALYST, HANDLER, NOVICE, OPERATIVE


def test_a_secret_reaches_the_cleared_and_nobody_else(enter: Enter, scene: Scene) -> None:
    """Not in the DOM and not in the frames of the other; a later update, seen by all, fences it."""
    handler, analyst, operative = enter(HANDLER), enter(ANALYST), enter(OPERATIVE)
    handler.write("The depot is watched from the mill.", kind="Report", classification="Secret")
    expect(analyst.entry("The depot is watched")).to_be_visible()
    handler.write("Radio check in five minutes.")
    for person in (handler, analyst, operative):
        expect(person.entry("Radio check in five minutes.")).to_have_count(1)
    assert "The depot is watched" not in operative.page.content()
    assert not any("The depot is watched" in text for text in operative.wire)
    assert any("Radio check in five minutes." in text for text in operative.wire)
    expect(analyst.log.locator(".banner").first).to_have_text("Secret")
    expect(operative.log.locator(".banner").first).to_have_text("Restricted")


def test_the_banner_follows_what_is_on_screen(enter: Enter, scene: Scene) -> None:
    """The highest of the entries in sight and of the orders beside them, by scrolling too."""
    scene.say("The depot is watched.", classification="secret")
    for number in range(40):
        scene.say(f"Check {number}.")
    person = enter(ANALYST)
    expect(person.entry("Check 39.")).to_be_in_viewport()
    banners = person.log.locator(".banner")
    expect(banners).to_have_text(["Restricted", "Restricted"])
    person.page.get_by_role("log").evaluate("log => { log.scrollTop = 0 }")
    expect(banners).to_have_text(["Secret", "Secret"])
    person.page.get_by_role("log").evaluate("log => { log.scrollTop = log.scrollHeight }")
    expect(banners).to_have_text(["Restricted", "Restricted"])
    first, codename = scene.mission, scene.codename
    scene.fresh()
    scene.say("Hold.", kind="order", classification="confidential", requires_ack=True)
    expect(person.page.get_by_role("heading", level=1)).to_have_text(codename)
    expect(person.page.get_by_role("complementary")).to_contain_text("Hold.")
    assert first in person.page.url
    expect(banners).to_have_text(["Confidential", "Confidential"])


def test_text_is_shown_as_it_was_written(enter: Enter, scene: Scene) -> None:
    """Markup and links stay text; nothing runs."""
    body = "<img src=x onerror=alert(1)> https://example.net <b>bold</b>"
    scene.say(body)
    person = enter(NOVICE)
    expect(person.log.locator(".body").last).to_have_text(body)
    expect(person.log.locator(".body img, .body a, .body b")).to_have_count(0)


def test_kind_author_and_classification_are_said_in_words(enter: Enter, scene: Scene) -> None:
    """Never by colour alone."""
    scene.say("North gate.", kind="position", data={"lat": 59.9, "lon": 10.75, "accuracy": 8})
    scene.say("Smoke.", kind="alert", classification="confidential")
    person = enter(OPERATIVE)
    expect(person.entry("North gate.")).to_contain_text("59.90000° N 10.75000° E ± 8 m")
    expect(person.entry("Smoke.").locator(".kind")).to_have_text("Alert")
    expect(person.entry("Smoke.").locator(".mark")).to_contain_text("Confidential")
    expect(person.log.locator(".head").last).to_have_text(f"{HANDLER.codename}Handler")


def test_the_room_is_accessible_in_both_themes_and_on_a_phone(enter: Enter, scene: Scene) -> None:
    """axe finds nothing with every kind of entry on the page."""
    scene.say("All quiet.")
    scene.say("Smoke.", kind="alert")
    scene.say("Hold.", kind="order", requires_ack=True, ack_within=60)
    scene.say("Phase two.", kind="status")
    for member, theme in ((HANDLER, "light"), (NOVICE, "dark")):
        person = enter(member, theme=theme)
        expect(person.entry("Phase two.")).to_be_visible()
        assert person.violations() == []
    phone = enter(NOVICE, size=NARROW)
    expect(phone.entry("Phase two.")).to_be_visible()
    assert phone.violations() == []
    assert phone.page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


def test_a_phone_has_everything_behind_two_buttons(enter: Enter, scene: Scene) -> None:
    """Missions and orders are drawers at 360 px; the composer is in reach."""
    scene.say("Hold the pier.", kind="order", requires_ack=True)
    phone = enter(NOVICE, size=NARROW)
    phone.page.get_by_role("button", name="Orders").locator("visible=true").click()
    orders = phone.page.get_by_role("complementary")
    expect(orders).to_contain_text("Hold the pier.")
    phone.page.keyboard.press("Escape")
    expect(orders).to_be_hidden()
    phone.page.get_by_role("button", name="Missions").first.click()
    expect(phone.page.get_by_role("link", name=scene.codename)).to_be_visible()
    phone.page.keyboard.press("Escape")
    phone.write("From the pier.")
    expect(phone.entry("From the pier.")).to_be_visible()


def test_a_reader_of_the_past_is_left_there_and_told(enter: Enter, scene: Scene) -> None:
    """What arrives while one reads above does not scroll; the pill counts it and leads to it."""
    for number in range(40):
        scene.say(f"Check {number}.")
    person = enter(NOVICE)
    expect(person.entry("Check 39.")).to_be_visible()
    person.page.get_by_role("log").evaluate("log => { log.scrollTop = log.scrollHeight / 3 }")
    before = person.page.get_by_role("log").evaluate("log => log.scrollTop")
    for number in range(3):
        scene.say(f"News {number}.")
    pill = person.page.get_by_role("button", name="Go to 3 new updates")
    expect(pill).to_have_text("3 new")
    assert person.page.get_by_role("log").evaluate("log => log.scrollTop") == before
    pill.click()
    expect(person.entry("News 2.")).to_be_in_viewport()
    expect(pill).to_be_hidden()


def test_the_past_is_paged_in_from_the_top(enter: Enter, scene: Scene) -> None:
    """A snapshot holds 50; the rest comes when the reader gets there, each entry once."""
    for number in range(60):
        scene.say(f"Entry {number:02}.")
    person = enter(NOVICE)
    expect(person.entry("Entry 59.")).to_be_visible()
    expect(person.entry("Entry 00.")).to_have_count(0)
    # Not `click`: that scrolls to the button, which loads the page and takes the button away.
    person.page.get_by_role("button", name="Earlier updates").dispatch_event("click")
    expect(person.entry("Entry 00.")).to_have_count(1)
    expect(person.log.locator(".entry")).to_have_count(60)
    expect(person.log.get_by_text("The log starts here.")).to_be_attached()


def test_urgent_news_is_announced(enter: Enter, scene: Scene) -> None:
    """An alert speaks assertively, a message politely; the log itself is silent."""
    person = enter(NOVICE)
    scene.say("Smoke at the pier.", kind="alert")
    expect(person.page.locator("[aria-live=assertive]")).to_contain_text("Smoke at the pier.")
    scene.say("It is only a barbecue.")
    expect(person.page.locator("[aria-live=polite]")).to_contain_text("only a barbecue")


def test_what_was_retracted_is_not_left_to_be_read_aloud(enter: Enter, scene: Scene) -> None:
    """The live regions are cleared with the log; others' words stay."""
    person = enter(NOVICE)
    alert = scene.say("Smoke at the pier.", kind="alert")
    aloud = person.page.locator("[aria-live=assertive]")
    expect(aloud).to_contain_text("Smoke at the pier.")
    scene.programs[HANDLER].call("DELETE", f"/api/updates/{alert}")
    expect(person.entry("Smoke at the pier.")).to_have_count(0)
    expect(aloud).to_be_empty()
    assert "Smoke at the pier." not in person.page.content()


def test_news_of_another_mission_is_said_with_its_name(enter: Enter, scene: Scene) -> None:
    """An alert of a mission that is not open names it; one of the open log does not need to."""
    first, codename = scene.mission, scene.codename
    scene.fresh()
    person = enter(NOVICE)
    aloud = person.page.locator("[aria-live=assertive]")
    scene.say("All quiet.")
    # The later mission of the two is followed: what comes now is news in the first one too.
    expect(person.log).to_contain_text("All quiet.")
    scene.programs[HANDLER].publish(first, "Smoke there.", kind="alert")
    alert = f"Restricted, {HANDLER.codename}: Smoke there."
    expect(aloud).to_contain_text(f"Alert in {codename}, {alert}")
    scene.say("Smoke here.", kind="alert")
    expect(aloud).to_contain_text(f"Alert, Restricted, {HANDLER.codename}: Smoke here.")


def test_back_leads_to_the_mission_before(enter: Enter, scene: Scene) -> None:
    """Also to the first, which nobody asked for by address."""
    scene.fresh()
    person = enter(NOVICE)
    person.page.goto("about:blank")
    person.page.goto(person.server.url)
    person.live()
    heading = person.page.get_by_role("heading", level=1)
    expect(heading).not_to_have_text("No mission selected")
    shown = heading.inner_text()
    other = (
        person.page.locator("#missions a:not([aria-current])").first.locator(".name").inner_text()
    )
    person.open(other)
    person.page.go_back()
    expect(heading).to_have_text(shown)
    person.page.go_forward()
    expect(heading).to_have_text(other)


def test_the_filter_says_what_it_hides_and_ends_with_its_mission(
    enter: Enter, scene: Scene
) -> None:
    """A new alert is counted beside it; another mission is shown whole."""
    first = scene.codename
    scene.say("Other news.")
    scene.fresh()
    scene.say("All quiet.")
    scene.say("Still quiet.")
    person = enter(NOVICE)
    person.page.get_by_label("Filter the log").fill("still")
    expect(person.page.get_by_text("Filtered, 1 hidden.")).to_be_visible()
    scene.say("Smoke.", kind="alert")
    says = "Filtered, 2 hidden, 1 urgent update that came since among them."
    expect(person.page.get_by_text(says)).to_be_visible()
    assert person.violations() == []
    person.open(first)
    expect(person.page.get_by_label("Filter the log")).to_have_value("")
    expect(person.entry("Other news.")).to_be_visible()
    expect(person.page.locator("#filtered")).to_be_hidden()


def test_the_exact_time_covers_no_button(enter: Enter, scene: Scene) -> None:
    """With the focus of the keyboard on an order, it stands above it."""
    scene.say("Hold.", kind="order", requires_ack=True)
    for options in ({}, {"size": NARROW}):
        person = enter(NOVICE, **options)
        expect(person.entry("Hold.")).to_be_visible()
        person.page.keyboard.press("k")
        expect(person.entry("Hold.")).to_be_focused()
        time, button = (
            person.entry("Hold.").locator("time"),
            person.entry("Hold.").locator("[data-ack]"),
        )
        lowest = time.evaluate(
            "time => time.getBoundingClientRect().bottom"
            " - parseFloat(getComputedStyle(time, '::after').bottom)"
        )
        box = button.bounding_box()
        assert box
        assert lowest <= box["y"]


def test_a_phone_reaches_position_and_audience(enter: Enter, scene: Scene) -> None:
    """At 360 px nothing of the composer is beside the screen."""
    phone = enter(NOVICE, size=NARROW)
    phone.page.get_by_label("Kind").select_option("Position")
    phone.page.locator("#audience summary").click()
    within = ["#lat", "#lon", "#locate", "#roles input >> nth=0", "#audience .hint", "#send"]
    for place in within:
        expect(phone.page.locator(place)).to_be_in_viewport(ratio=1)
    assert phone.violations() == []
    phone.page.get_by_label("Handlers").check()
    expect(phone.page.locator("#audience-name")).to_have_text("handlers")


def test_the_keyboard_reaches_everything(enter: Enter, scene: Scene) -> None:
    """`k` goes up, `a` acknowledges, `/` filters, `?` shows the sheet."""
    scene.say("Hold.", kind="order", requires_ack=True)
    scene.say("All quiet.")
    person = enter(NOVICE)
    expect(person.entry("All quiet.")).to_be_visible()
    keys = person.page.keyboard
    keys.press("k")
    expect(person.entry("All quiet.")).to_be_focused()
    keys.press("k")
    keys.press("a")
    expect(person.entry("Hold.")).to_contain_text("Acknowledged")
    expect(person.entry("Hold.")).to_be_focused()
    keys.press("/")
    keys.type("quiet")
    expect(person.log.locator(".entry")).to_have_count(1)
    keys.press("Escape")
    expect(person.log.locator(".entry")).to_have_count(2)
    person.page.get_by_role("log").focus()
    keys.press("?")
    expect(person.page.get_by_role("dialog", name="Keyboard")).to_be_visible()
