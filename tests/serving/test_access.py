"""The access log."""

import re

import httpx
import pytest
import websockets

from hq_project.serving.access import shown_path
from tests.patience import PATIENCE
from tests.serving.process import Serving


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("/api/missions?token=eyJ.a.b", "/api/missions"),
        ("/missions?ticket=abc?d", "/missions"),
        ("/a\x1b[31m\r\nb", "/a%1B%5B31m%0D%0Ab"),
        ("/caf\u00e9", "/caf%C3%A9"),
        ("/already%20quoted", "/already%20quoted"),
    ],
)
def test_a_path_is_safe_to_print(uri: str, shown: str) -> None:
    """Neither a query string nor a byte that a terminal would act on."""
    assert shown_path(uri) == shown


async def test_no_query_string_is_logged(server: Serving) -> None:
    """Not of an answered request, nor of an opened, closed or refused socket."""
    secret = "eyJhbGciOiJFUzI1NiJ9"
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        await client.get(f"{server.url}/seen?token={secret}")
    async with websockets.connect(f"{server.socket_url}/echo?token={secret}"):
        pass
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(f"{server.socket_url}/reject?ticket={secret}")
    server.wait_for("answered method=GET status=200 ")
    closed = re.compile(r"socket closed code=1000 seconds=\d+ path=/echo ")
    server.wait_until(lambda: bool(closed.search(server.said)), within=PATIENCE)
    server.wait_for("socket refused status=403 path=/reject ")
    assert secret not in server.said
