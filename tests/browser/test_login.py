"""The login page: in, out, and what stays out of JavaScript's reach."""

from playwright.sync_api import expect

from tests.browser.conftest import Enter, Scene
from tests.cast import HANDLER, PASSWORD


def test_a_visitor_is_led_to_the_form_and_through_it(visitor: Enter, scene: Scene) -> None:
    """`/` without a session shows the form; with username and password comes the room."""
    person = visitor()
    person.page.goto(scene.server.url)
    person.page.wait_for_url("**/login")
    person.page.get_by_label("Username").fill(HANDLER.username)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_role("button", name="Log in").click()
    person.live()
    expect(person.page.get_by_role("link", name=scene.codename)).to_be_visible()


def test_a_wrong_password_is_said_and_the_name_stays(visitor: Enter, scene: Scene) -> None:
    """One sentence, the username still there, the password ready to be typed again."""
    person = visitor()
    person.page.goto(f"{scene.server.url}/login")
    person.page.get_by_label("Username").fill(HANDLER.username)
    person.page.get_by_label("Password").fill("not the password")
    person.page.get_by_role("button", name="Log in").click()
    expect(person.page.get_by_role("alert")).to_have_text("Username or password is wrong.")
    expect(person.page.get_by_label("Username")).to_have_value(HANDLER.username)
    expect(person.page.get_by_label("Password")).to_be_focused()
    assert person.violations() == []


def test_empty_fields_are_named_beside_them(visitor: Enter, scene: Scene) -> None:
    """Nothing is sent; each field says what it lacks."""
    person = visitor()
    person.page.goto(f"{scene.server.url}/login")
    person.page.get_by_role("button", name="Log in").click()
    expect(person.page.get_by_text("Type your username.")).to_be_visible()
    expect(person.page.get_by_text("Type your password.")).to_be_visible()
    expect(person.page.get_by_label("Username")).to_be_focused()


def test_the_page_is_accessible_in_both_themes(visitor: Enter, scene: Scene) -> None:
    """axe finds nothing, light or dark, and the switch stays switched."""
    person = visitor(theme="dark")
    person.page.goto(f"{scene.server.url}/login")
    assert person.violations() == []
    person.page.get_by_role("button", name="Use the light theme").click()
    person.page.reload()
    expect(person.page.locator("html")).to_have_attribute("data-theme", "light")
    assert person.violations() == []


def test_who_is_logged_in_is_led_to_the_room(enter: Enter) -> None:
    """The form is for those who are not."""
    person = enter(HANDLER)
    person.page.goto(f"{person.server.url}/login")
    person.live()
    assert "/login" not in person.page.url


def test_no_token_is_within_reach_of_a_script(enter: Enter) -> None:
    """The credential is in HttpOnly cookies: not in `document.cookie`, storage or any URL."""
    person = enter(HANDLER)
    readable = person.page.evaluate(
        "() => JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])"
    )
    assert "eyJ" not in readable
    names = {cookie.get("name") for cookie in person.context.cookies() if cookie.get("httpOnly")}
    assert {"jwt"} <= names
    assert not any("eyJ" in text for text in [person.page.url, *person.wire, *person.sent])


def test_logging_out_ends_the_session_and_shows_the_form(visitor: Enter, scene: Scene) -> None:
    """Back at `/` there is the form again, and nothing of the room."""
    person = visitor().log_in(HANDLER)
    person.page.get_by_role("button", name="Log out").click()
    person.page.wait_for_url("**/login")
    person.page.goto(scene.server.url)
    person.page.wait_for_url("**/login")
    assert scene.codename not in person.page.content()
