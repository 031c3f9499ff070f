"""What the documents say is so: links, files, targets, tables, variables."""

import ast
import re
from pathlib import Path

import pytest

from docs import truth_table
from hq_project.management.commands.serve import MOST_WORKERS
from tests.processes import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def text_of(name: str) -> str:
    """A document."""
    return (ROOT / name).read_text(encoding="utf-8")


def anchor(heading: str) -> str:
    """What a heading is linked by."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    """Every link between documents has its file and its heading."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+://", target):
            continue
        name, _, heading = target.partition("#")
        file = path if not name else (path.parent / name)
        if not file.exists():
            broken.append(target)
        elif heading:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            if heading not in map(anchor, headings):
                broken.append(target)
    assert broken == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_named_exist(path: Path) -> None:
    """Every path of a file or folder that a document names is there."""
    folders = ("agents", "missions", "hq_project", "tests", "benchmarks", "deploy", "docs")
    named = re.findall(rf"`((?:{'|'.join(folders)})/[^\s`]*)`", path.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_truth_table_is_the_code_s() -> None:
    """docs/audiences.md is what `python -m docs.truth_table` writes."""
    assert text_of("docs/audiences.md") == truth_table.document()


def test_targets_exist() -> None:
    """Every `make` target that a document names is one."""
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    named = {
        target
        for path in DOCUMENTS
        for target in re.findall(r"(?:`|^)make ([a-z]+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert named
    assert named <= targets


def variables_read() -> dict[str, str]:
    """Every variable that HQ reads, with its default and bounds as a document shows them."""
    found = {}
    readers = ("settings.py", "limits.py", "management/commands/serve.py")
    for name in (f"hq_project/{reader}" for reader in readers):
        for node in ast.walk(ast.parse(text_of(name))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "environment"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found[str(node.args[0].value)] = default_of(node)
    return found


def default_of(call: ast.Call) -> str:
    """`15 (1 to 1440)` for a number, the value for other constants, nothing else."""
    names = {"MOST_WORKERS": MOST_WORKERS}
    said = [eval_constant(node, names) for node in call.args[1:2]]
    bounds = {one.arg: eval_constant(one.value, names) for one in call.keywords}
    if {"least", "most"} <= bounds.keys():
        return f"{said[0]} ({bounds['least']} to {bounds['most']})"
    return str(said[0]) if said and said[0] is not None else ""


def eval_constant(node: ast.expr, names: dict[str, int]) -> object:
    """The value of a constant, a product of constants, or a known name."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = eval_constant(node.left, names), eval_constant(node.right, names)
        if isinstance(left, int) and isinstance(right, int):
            return left * right
    return None


def test_every_variable_is_explained() -> None:
    """docs/operations.md has a row for each variable, with its default and bounds, and no other."""
    table = text_of("docs/operations.md").partition("## Configuration")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))
    read = variables_read()
    assert sorted(rows) == sorted(read)
    assert {name: rows[name] for name, default in read.items() if default} == {
        name: default for name, default in read.items() if default
    }


def test_the_commands_of_operations_exist() -> None:
    """Every `manage.py` command that a document names is one of Django's or ours."""
    from django.core.management import get_commands

    named = {
        command
        for path in DOCUMENTS
        for command in re.findall(r"manage\.py ([a-z_]+)", path.read_text(encoding="utf-8"))
    }
    assert {"serve", "create_agent"} <= named
    assert named <= get_commands().keys()
