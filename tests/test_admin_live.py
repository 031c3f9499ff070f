"""The admin on a running HQ with two workers: what staff end there is ended, and so are they."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.cast import OPERATIVE, PASSWORD
from tests.hq_server import HQServer
from tests.patience import PATIENCE
from tests.processes import ROOT
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

STAFF = "warden"


@pytest.fixture(scope="module")
def warden(hq: HQServer) -> str:
    """A director who is staff, made as an operator makes one."""
    command = [sys.executable, "manage.py", "create_agent", STAFF, "--codename", "Warden"]
    command += ["--role", "director", "--clearance", "top-secret", "--staff", "--password-stdin"]
    made = subprocess.run(
        command, cwd=ROOT, env=hq.env, input=PASSWORD, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return STAFF


@pytest.fixture
async def admin(hq: HQServer, warden: str) -> AsyncIterator[httpx.AsyncClient]:
    """The warden in the admin. No connection is kept, so that both workers are met."""
    none_kept = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(
        base_url=f"{hq.url}/admin/", trust_env=False, limits=none_kept, timeout=PATIENCE
    ) as client:
        await client.get("login/")
        entered = await post(client, "login/", username=warden, password=PASSWORD, next="/admin/")
        assert entered.headers["location"] == "/admin/"
        yield client


async def post(client: httpx.AsyncClient, page: str, **fields: str) -> httpx.Response:
    """A form, sent as its page would."""
    return await client.post(
        page, data={"csrfmiddlewaretoken": client.cookies["csrftoken"], **fields}
    )


async def act(client: httpx.AsyncClient, action: str, connection: str) -> None:
    """An action on one connection."""
    done = await post(client, "agents/connection/", action=action, _selected_action=connection)
    assert done.status_code == 302


async def opened(hq: HQServer, client: RestClient) -> tuple[SocketClient, str]:
    """A socket, and the id of its connection."""
    socket = await SocketClient.open(hq, client.access, query="missions=none")
    return socket, (await socket.expect("welcome"))["connection"]


async def test_a_socket_is_disconnected_and_may_come_back(
    hq: HQServer, admin: httpx.AsyncClient
) -> None:
    """It is shown as open and closes with 1001; another of the same agent stays."""
    async with RestClient(hq) as client:
        await client.login(OPERATIVE)
        first, connection = await opened(hq, client)
        other, _ = await opened(hq, client)
        async with first, other:
            page = f"agents/connection/{connection}/change/"
            assert "icon-yes" in (await admin.get(page)).text
            await act(admin, "disconnect", connection)
            assert (await first.closed())[0] == 1001
            assert (await other.ask("ping"))["type"] == "pong"
        again, _ = await opened(hq, client)
        async with again:
            assert (await again.ask("ping"))["type"] == "pong"


async def test_the_session_of_a_socket_is_ended_for_good(
    hq: HQServer, admin: httpx.AsyncClient
) -> None:
    """All its sockets close with 4003 on whichever worker, and its token is worth nothing."""
    async with RestClient(hq) as client, RestClient(hq) as stays:
        await client.login(OPERATIVE)
        await stays.login(OPERATIVE)
        first, connection = await opened(hq, client)
        second, _ = await opened(hq, client)
        other, _ = await opened(hq, stays)
        async with first, second, other:
            await act(admin, "end_sessions", connection)
            assert (await first.closed())[0] == (await second.closed())[0] == 4003
            assert (await other.ask("ping"))["type"] == "pong"
        token = {"Authorization": f"Bearer {client.access}"}
        me = await admin.get(f"{hq.url}/api/auth/me", headers=token)
        assert (me.status_code, me.json()["code"]) == (401, "token_invalid")


async def test_an_ended_login_to_the_admin_is_refused_by_both_workers(
    hq: HQServer, admin: httpx.AsyncClient, warden: str
) -> None:
    """At the next click, whichever worker gets it."""
    assert (await admin.get("")).status_code == 200
    hq.manage("end_sessions", warden)
    for _ in range(8):
        answer = await admin.get("agents/agent/")
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("/admin/login/")


def test_staff_without_a_second_factor_reach_only_its_page_in_production(
    hq: HQServer, warden: str
) -> None:
    """And the cookie of the admin is `__Host-`, Secure, HttpOnly and SameSite=Strict."""
    script = (
        "from django.test import Client; from agents.models import Agent;"
        "c = Client(); a = dict(secure=True, HTTP_HOST='hq.example.org');"
        f"r = c.post('/admin/login/', dict(username='{warden}', password='{PASSWORD}'), **a);"
        "print(r.cookies.output()); print(c.get('/admin/', **a)['Location']);"
        "print(c.get('/admin/second_factor/', **a).status_code)"
    )
    env = dict(hq.env or {}) | {"HQ_PUBLIC_ORIGIN": "https://hq.example.org"}
    del env["HQ_DEBUG"]
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", script],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    cookie, *_, gate, page = [line for line in done.stdout.splitlines() if "csrftoken" not in line]
    assert re.match(r"Set-Cookie: __Host-sessionid=\w+;", cookie), done.stdout + done.stderr
    for word in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/;"):
        assert word in cookie
    assert "Domain" not in cookie
    assert (gate, page) == ("/admin/second_factor/", "200")
