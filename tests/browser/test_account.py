"""The account dialog: sessions ended from it, a password changed, a second factor set and used."""

import base64
import time
from collections.abc import Iterator

import pytest
from django_otp.oath import TOTP
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Enter, Scene, staged
from tests.browser.people import Person
from tests.cast import ANALYST, NOVICE, OPERATIVE, PASSWORD
from tests.databases import Databases

NEW = "another long passphrase"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Scene]:
    """An HQ of this module's own: passwords and sessions end here."""
    with staged(tmp_path_factory.mktemp("browser"), databases, harmed=True) as scene:
        yield scene


def account(person: Person) -> Locator:
    """Opens the dialog."""
    person.page.get_by_role("button", name="Account").click()
    dialog = person.page.get_by_role("dialog", name="Your account")
    expect(dialog.get_by_text("this session")).to_be_visible()
    return dialog


def code(secret: str, *, steps: int = 0) -> str:
    """What an authenticator with that secret shows, or will in so many steps of 30 s."""
    totp = TOTP(base64.b32decode(secret), drift=steps)
    totp.time = time.time()
    return f"{totp.token():06d}"


def test_a_session_is_ended_from_another(enter: Enter) -> None:
    """Its room is cleared at once; then all others are ended."""
    left_open, own = enter(OPERATIVE), enter(OPERATIVE)
    dialog = account(own)
    sessions = dialog.get_by_role("list", name="Where you are logged in")
    expect(sessions.get_by_text("Chrome on Linux")).to_have_count(2)
    assert own.violations() == []
    sessions.get_by_role("button", name="Log out Chrome on Linux").first.click()
    expect(left_open.page.get_by_role("dialog", name="Signed out")).to_be_visible()
    expect(dialog.get_by_role("status")).to_have_text("Chrome on Linux is logged out.")
    dialog.get_by_role("button", name="Log out everywhere else").click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    expect(dialog.get_by_role("button", name="Log out everywhere else")).to_be_hidden()
    dialog.get_by_role("button", name="Close").click()
    expect(own.page.get_by_role("heading", level=1)).to_be_visible()


def test_the_password_is_changed(enter: Enter) -> None:
    """With the old one; other sessions end, this one stays."""
    person = enter(ANALYST)
    dialog = account(person)
    dialog.get_by_label("Current password").fill("not it")
    dialog.get_by_label("New password").fill(NEW)
    dialog.get_by_role("button", name="Change password").click()
    expect(dialog.get_by_text("The current password is wrong.")).to_be_visible()
    dialog.get_by_label("Current password").fill(PASSWORD)
    dialog.get_by_role("button", name="Change password").click()
    expect(dialog.get_by_role("status")).to_contain_text("Your password is changed.")
    expect(dialog.get_by_label("New password")).to_have_value("")
    person.live()


def test_a_second_factor_is_set_used_and_removed(enter: Enter, visitor: Enter) -> None:
    """Secret and codes are on the page only while they are shown."""
    person = enter(NOVICE)
    dialog = account(person)
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Set up").click()
    expect(dialog.get_by_role("img", name="QR code for the authenticator app")).to_be_visible()
    secret = dialog.locator(".secret").inner_text().replace(" ", "")
    assert person.violations() == []
    dialog.get_by_label("Code", exact=True).fill("000000")
    dialog.get_by_role("button", name="Turn on").click()
    expect(dialog.get_by_text("This is not the code")).to_be_visible()
    dialog.get_by_label("Code", exact=True).fill(code(secret))
    dialog.get_by_role("button", name="Turn on").click()
    codes = dialog.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text()
    assert person.violations() == []
    dialog.get_by_role("button", name="I have kept them").click()
    expect(dialog.get_by_text("On. 10 recovery codes left.")).to_be_visible()
    page = person.page.content()
    assert secret not in page.replace(" ", "")
    assert recovery not in page

    other = visitor()
    other.fill_in(NOVICE)
    field = other.page.get_by_label("One-time code")
    expect(field).to_be_focused()
    assert other.violations() == []
    field.fill("000000")
    other.page.get_by_role("button", name="Log in").click()
    expect(other.page.get_by_role("alert")).to_contain_text("wrong or was used already")
    field.fill(recovery)
    other.page.get_by_role("button", name="Log in").click()
    other.live()

    dialog = account(other)
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_label("Code", exact=True).fill(code(secret, steps=1))
    dialog.get_by_role("button", name="Turn off").click()
    expect(dialog.get_by_role("status")).to_contain_text("The second factor is off.")
    expect(person.page.get_by_role("dialog", name="Signed out")).to_be_visible()
