"""HQ as the production files run it: behind Caddy, over TLS and wss, on two workers."""

import asyncio
import ipaddress
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import expect, sync_playwright
from websockets.exceptions import InvalidStatus

from tests.browser.conftest import FLAGS
from tests.browser.people import Program
from tests.cast import HANDLER, OPERATIVE, PASSWORD
from tests.databases import Databases
from tests.handshakes import CARRIERS, Carried, assert_http_refusal, assert_welcome, carried
from tests.hq_server import HQServer
from tests.ops.caddy import PublicHQ
from tests.patience import PATIENCE
from tests.redis_server import RedisServer
from tests.rest_client import RestClient
from tests.socket_client import SocketClient
from tests.tokens import forged


@pytest.fixture(scope="module")
def public(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, redis_server: RedisServer
) -> Iterator[PublicHQ]:
    """One for all tests here."""
    site = PublicHQ(tmp_path_factory.mktemp("public"), databases, redis_server.url)
    try:
        site.start()
        yield site
    finally:
        site.stop()


def accesses(public: PublicHQ) -> list[dict[str, Any]]:
    """The lines of Caddy's access log."""
    lines = map(json.loads, public.caddy.log.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line.get("logger", "").startswith("http.log.access")]


async def test_every_carrier_passes_and_none_is_in_caddys_log(public: PublicHQ) -> None:
    """R10 over the proxy: tokens and tickets come through it and stay out of its log."""
    server = public.server
    async with RestClient(server) as client:
        await client.login(HANDLER)
        for carrier in CARRIERS:
            await assert_welcome(server, carried(carrier, client.access), None)
            await assert_http_refusal(
                server, carried(carrier, forged(client.access)), None, 401, "token_invalid"
            )
        cookie = Carried(headers={"Cookie": f"__Host-jwt={client.access}"})
        await assert_welcome(server, cookie, server.origin)
        await assert_welcome(server, Carried(query=f"ticket={await client.ticket()}"), None)
        async with await SocketClient.open(server, subprotocols=["hq.v1"]) as socket:
            await socket.send({"type": "authenticate", "token": client.access})
            assert (await socket.next())["type"] == "welcome"
        secrets = [client.access, client.refresh_token, *client.tickets]
    log = public.caddy.log.read_text(encoding="utf-8")
    sockets = [one for one in accesses(public) if one["request"]["uri"].startswith("/missions")]
    assert len(sockets) > 2 * len(CARRIERS)
    assert {one["status"] for one in sockets} <= {0, 101, 401}  # Caddy 2.6 writes 0 for 101
    assert not [secret for secret in secrets if secret in log]
    assert "eyJ" not in log


async def test_an_answer_and_an_update_cross_tls(public: PublicHQ) -> None:
    """What one publishes over REST reaches the other's socket, whichever worker has it."""
    server = public.server
    async with RestClient(server) as author, RestClient(server) as reader:
        await author.login(HANDLER)
        await reader.login(OPERATIVE)
        mission = await author.create_mission("Over TLS")
        await author.add(mission, reader)
        sockets = [
            await SocketClient.open(server, reader.access, query=f"missions={mission}")
            for _ in range(4)
        ]
        for socket in sockets:
            await socket.expect("subscribed")
        update = await author.publish(mission, "said through a proxy")
        for socket in sockets:
            assert (await socket.next())["update"]["id"] == update["id"]
            await socket.close()


async def come_back(server: HQServer, access: str) -> SocketClient:
    """As soon as HQ says: a worker that took the handshake before it was to restart refuses it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await SocketClient.open(server, access, query="missions=none")
            except InvalidStatus as refused:
                if refused.response.status_code != 503:
                    raise
                await asyncio.sleep(int(refused.response.headers["Retry-After"]))


async def test_workers_that_restart_say_1012_through_caddy(public: PublicHQ) -> None:
    """A client behind the proxy is told to come back, and can."""
    server = public.server
    async with RestClient(server) as client:
        await client.login(HANDLER)
        socket = await SocketClient.open(server, client.access, query="missions=none")
        assert (await socket.next())["type"] == "welcome"
        for worker in psutil.Process(server.pid).children():
            os.kill(worker.pid, signal.SIGTERM)
        code, _ = await socket.closed()
        assert code == 1012
        async with await come_back(server, client.access) as again:
            assert (await again.next())["type"] == "welcome"


def test_the_address_is_the_clients_and_not_what_it_claims(public: PublicHQ) -> None:
    """Caddy drops the X-Forwarded-For that a client made up; HQ believes Caddy."""
    who = {"username": "nobody-behind-caddy", "password": "x"}
    answer = httpx.post(
        f"{public.caddy.url}/api/auth/login",
        json=who,
        headers={"X-Forwarded-For": "203.0.113.9"},
        trust_env=False,
        verify=public.server.trust or True,
        timeout=PATIENCE,
    )
    assert answer.status_code == 401
    database = public.server.log.with_name("hq.sqlite3")
    with closing(sqlite3.connect(database, timeout=10)) as hq:
        tries = hq.execute("SELECT ip_address FROM axes_accessfailurelog").fetchall()
    assert tries
    assert all(ipaddress.ip_network(address).is_loopback for (address,) in tries), tries


def test_http_is_sent_to_https_and_answers_are_hardened(public: PublicHQ) -> None:
    """No page and no cookie over plain http; over TLS the browser is told to stay there."""
    with httpx.Client(
        trust_env=False, verify=public.server.trust or True, timeout=PATIENCE
    ) as client:
        plain = client.get(f"http://localhost:{public.caddy.http_port}/")
        assert plain.status_code == 308
        assert plain.headers["Location"].startswith("https://localhost")
        page = client.get(f"{public.caddy.url}/")
        assert page.headers["Strict-Transport-Security"]
        who = {"username": HANDLER.username, "password": PASSWORD, "transport": "cookie"}
        login = client.post(
            f"{public.caddy.url}/api/auth/login", json=who, headers={"Origin": public.caddy.url}
        )
    assert login.status_code == 200, login.text
    cookies = login.headers.get_list("set-cookie")
    assert {one.partition("=")[0] for one in cookies} >= {"__Host-jwt", "__Secure-jwt-refresh"}
    assert all("Secure" in one for one in cookies)


def test_the_room_is_live_over_wss(public: PublicHQ) -> None:
    """A browser logs in over TLS, and an entry that it sends appears in its log."""
    path = shutil.which("chromium")
    assert path, "There is no chromium; `make system` installs it."
    with Program(public.server, HANDLER) as handler, sync_playwright() as playwright:
        handler.mission("Over wss")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        # Chromium has no way to be given a root for one run; the other tests check the chain.
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.goto(f"{public.caddy.url}/login")
        page.get_by_label("Username").fill(HANDLER.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        link = page.locator("[data-link-text]").locator("visible=true").first
        expect(link).to_have_text("Live", timeout=20_000)
        page.get_by_role("link", name="Over wss").click()
        page.get_by_label("Message", exact=True).fill("typed over wss")
        page.get_by_role("button", name="Send").click()
        log = page.get_by_role("region", name="Mission log")
        expect(log.locator(".entry", has_text="typed over wss")).to_be_visible()
        browser.close()
