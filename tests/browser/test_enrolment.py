"""Staff without a second factor in production: led to its set-up, and into the room by it."""

import base64
import time
from collections.abc import Iterator

import pytest
from django_otp.oath import TOTP
from playwright.sync_api import Browser, Page, expect

from tests.browser.tls import TlsFront
from tests.cast import PASSWORD
from tests.databases import Databases
from tests.hq_server import HQServer


@pytest.fixture
def front(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[TlsFront]:
    """An HQ as in production behind TLS, with staff who came this far by a password alone."""
    folder = tmp_path_factory.mktemp("production")
    with TlsFront(folder) as tls:
        production = {
            "HQ_DEBUG": "0",
            "HQ_PUBLIC_ORIGIN": tls.origin,
            "DJANGO_SETTINGS_MODULE": "tests.browser.uncollected",
        }
        server = HQServer(folder, databases, settings=production)
        who = ("--codename", "Vault", "--role", "director", "--clearance", "secret", "--superuser")
        server.manage("create_agent", "sara", *who, "--password-stdin", said=PASSWORD)
        tls.behind = server.port
        server.start()
        yield tls
        server.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser that takes the certificate of the front."""
    context = browser.new_context(ignore_https_errors=True)
    yield context.new_page()
    context.close()


def code(secret: str) -> str:
    """What an authenticator with that secret shows."""
    totp = TOTP(base64.b32decode(secret))
    totp.time = time.time()
    return f"{totp.token():06d}"


def test_staff_are_led_to_the_second_factor_and_by_it_into_the_room(
    front: TlsFront, page: Page
) -> None:
    """One sentence and the form instead of endless attempts; then live, without a new login."""
    page.goto(f"{front.origin}/login")
    page.get_by_label("Username").fill("sara")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    dialog = page.get_by_role("dialog", name="Your account")
    expect(dialog.get_by_text("Staff must set up a second factor")).to_be_visible()
    expect(dialog.get_by_label("Your password")).to_be_focused()
    link = page.locator("[data-link-text]").first
    expect(link).to_have_text("Second factor required")
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator("#notice")).to_contain_text("Staff must set up a second factor")
    page.get_by_role("button", name="Account").click()
    expect(dialog.get_by_text("Staff must set up a second factor")).to_be_visible()
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Set up").click()
    secret = dialog.locator(".secret").inner_text().replace(" ", "")
    dialog.get_by_label("Code", exact=True).fill(code(secret))
    dialog.get_by_role("button", name="Turn on").click()
    expect(dialog.get_by_role("list", name="Recovery codes").get_by_role("listitem")).to_have_count(
        10
    )
    expect(link).to_have_text("Live", timeout=20_000)
    expect(dialog.get_by_text("Staff must set up a second factor")).to_be_hidden()
    dialog.get_by_role("button", name="I have kept them").click()
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_role("heading", name="No missions yet")).to_be_visible()
