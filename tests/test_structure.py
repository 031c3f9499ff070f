"""The plan of the house, held by a machine: layers, single doors, sizes, names, a test a module."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agents.protocol import ClientFrame, ServerFrame
from missions import protocol
from tests.processes import ROOT
from tests.replacements import replacements

APPS = ("agents", "missions", "hq_project")
LONGEST = 300
SOURCES = (*APPS, "tests", "benchmarks")
FOREIGN = {"migrations", "node_modules", "__pycache__"}

TESTED_ELSEWHERE = {
    "agents/apps.py": "declares the app",
    "missions/apps.py": "declares the app",
    "hq_project/apps.py": "declares the app",
    "agents/urls.py": "a table of paths; every path is called by the tests of its view",
    "agents/api/urls.py": "a table of paths; every path is called by the tests of its view",
    "missions/api/urls.py": "a table of paths; every path is called by the tests of its view",
    "missions/routing.py": "one path; every test over a real socket goes through it",
    "hq_project/urls.py": "a table of paths; every path is called by the tests of its view",
    "hq_project/asgi.py": "composes; tests/test_stock_servers.py runs it",
    "hq_project/settings.py": "reads the environment; tests/test_configuration.py",
    "hq_project/limits.py": "reads the environment; tests/test_configuration.py",
    "hq_project/environment.py": "tests/test_configuration.py",
    "hq_project/checks.py": "tests/test_configuration.py",
    "missions/limits.py": "numbers",
}


def files(pattern: str, *folders: str) -> list[Path]:
    """What these folders hold of our own: no migrations, no caches, nothing installed."""
    found = (path for folder in folders for path in (ROOT / folder).rglob(pattern))
    return sorted(path for path in found if not FOREIGN & {*path.parts})


def python_files(*folders: str) -> list[Path]:
    """The modules under these folders."""
    return files("*.py", *folders)


def product_files() -> list[Path]:
    """The modules of the product, without its tests."""
    return [path for path in python_files(*APPS) if "tests" not in path.parts]


def name_of(path: Path) -> str:
    """The path as people write it."""
    return path.relative_to(ROOT).as_posix()


def names_in(path: Path) -> Iterator[str]:
    """Every name that a module imports, calls or reaches through a dot."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2]


def test_imports_run_downwards_only() -> None:
    """The layers of docs/architecture.md, as import-linter reads them."""
    program = Path(sys.executable).with_name("lint-imports")
    said = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize(
    ("name", "doors"),
    [
        ("group_send", {"agents/live.py"}),
        ("group_add", {"agents/live.py"}),
        ("get_channel_layer", {"agents/live.py"}),
        ("sync_to_async", set()),
        ("database_sync_to_async", set()),
        ("run_in_executor", {"agents/threads.py"}),
        ("ThreadPoolExecutor", {"agents/threads.py"}),
        ("to_thread", {"agents/threads.py"}),
    ],
)
def test_there_is_one_door(name: str, doors: set[str]) -> None:
    """The channel layer is reached through `agents.live`, threads through `agents.threads`."""
    users = {name_of(path) for path in product_files() if name in names_in(path)}
    assert users <= doors


def test_files_fit_the_head() -> None:
    """No module, script, style sheet or template is longer than 300 lines."""
    kinds = ("*.py", "*.js", "*.css", "*.html")
    sizes = {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines())
        for kind in kinds
        for path in files(kind, *SOURCES)
    }
    long = [f"{name} has {size} lines" for name, size in sizes.items() if size > LONGEST]
    assert not long, "\n".join(long)


def test_every_module_has_its_tests() -> None:
    """`agents/keys.py` has a `test_keys.py`; in a folder, `test_sockets.py` or its own file."""
    untested = []
    for path in product_files():
        name = name_of(path)
        if path.stem == "__init__" or name in TESTED_ELSEWHERE:
            continue
        app, folder = name.split("/")[0], path.parent.name
        tests = {test.stem for test in python_files(app, "tests") if "tests" in test.parts}
        wanted = {f"test_{path.stem}", f"test_{folder}_{path.stem}"}
        if folder != app:
            wanted.add(f"test_{folder}")
        wanted |= {f"{test}_live" for test in wanted}
        if not wanted & tests:
            untested.append(name)
    assert not untested, "\n".join(["No test file for:", *untested])


def test_the_list_of_exceptions_names_only_what_exists() -> None:
    """An exception ends with its module."""
    assert [name for name in TESTED_ELSEWHERE if not (ROOT / name).exists()] == []


def frame_types(base: type[msgspec.Struct]) -> Iterator[str]:
    """The tags of all frames that derive from that one."""
    for frame in base.__subclasses__():
        yield str(frame.__struct_config__.tag)
        yield from frame_types(frame)


def test_frames_are_made_of_their_types() -> None:
    """No dict literal stands for a frame: its shape is in a protocol module."""
    assert protocol.command_decoder
    tags = {*frame_types(ClientFrame), *frame_types(ServerFrame)}
    assert "subscribe" in tags
    assert "update" in tags
    literal = [
        f"{name_of(path)}:{node.lineno}"
        for path in product_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "type"
        if isinstance(value, ast.Constant) and value.value in tags
    ]
    assert literal == []


def test_names_say_what_a_room_is_for() -> None:
    """No file is called after nothing in particular; templates of Django's have Django's names."""
    vague = re.compile(r"(^|_)(utils?|helpers?|commons?|base|managers?|misc|stuff)(_|$)")
    named = [path for path in files("*", *SOURCES) if path.is_file()]
    named = [path for path in named if path.parts[-3:-1] != ("templates", "admin")]
    assert [name_of(path) for path in named if vague.search(path.stem)] == []


def test_every_module_says_what_it_is() -> None:
    """A docstring stands at the top of every module that holds code."""
    silent = []
    for path in python_files(*SOURCES):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if tree.body and ast.get_docstring(tree) is None and path.name != "apps.py":
            silent.append(name_of(path))
    assert silent == []


def test_nothing_is_left_unfinished() -> None:
    """No mark of work to come stands in the code."""
    mark = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
    modules = python_files(*SOURCES)
    assert [
        name_of(path) for path in modules if mark.search(path.read_text(encoding="utf-8"))
    ] == []


def test_tests_replace_nothing_of_our_own() -> None:
    """A fault comes through the database, the layer or a setting, and not in place of our code."""
    modules = [path for path in python_files(*SOURCES) if "tests" in path.parts]
    assert [
        f"{name_of(path)}:{found}"
        for path in [*modules, ROOT / "conftest.py"]
        for found in replacements(path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ('patch.setattr(live, "hand_over", lambda *_: None)', False),
        ('patch.setattr(live, "hand_over", held)', False),
        ('patch.setattr("agents.live.hand_over", held)', False),
        ('patch.setattr(live, "Live", Fake)', False),
        ('patch.setattr(live.Live, "put", put)', False),
        ('patch.setattr(live, "asyncio", fake)', False),
        ('patch.setattr(live.current(), "put", put)', False),
        ('patch.setattr(channel, "put", put)', False),
        ('patch.delattr(live, "hand_over")', False),
        ('setattr(live, "hand_over", held)', False),
        ("live.hand_over = held", False),
        ("from unittest.mock import patch", False),
        ("from unittest import mock", False),
        ("import unittest.mock", False),
        ('patch.setattr(live, "SEND_WITHIN", 0.05)', True),
        ('patch.setattr("agents.live.SEND_WITHIN", 0.05)', True),
        ('patch.setattr(live, "_of_loop", {})', True),
        ('patch.setattr(time, "monotonic", lambda: now)', True),
        ('patch.setattr("sys.stdin", typed)', True),
        ('patch.setattr(live, "known_to_nobody", 1, raising=False)', True),
        ("channel.put = put", True),
    ],
)
def test_what_counts_as_a_replacement(statement: str, allowed: bool) -> None:
    """Functions, methods, classes and modules of ours, however they are named."""
    found = replacements(f"import time\nfrom agents import live\n{statement}\n")
    assert (found == []) is allowed


def test_pages_put_text_in_as_text() -> None:
    """No script of the dashboard writes markup."""
    markup = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(")
    scripts = files("*.js", "missions/static")
    assert [name_of(path) for path in scripts if markup.search(path.read_text("utf-8"))] == []
