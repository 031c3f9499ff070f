"""Finds where a test replaces a function, class or module of HQ's own: the house rules that out.

Reads the source and looks at what stands in the named place now. Numbers and other state may be
changed, and what is not ours; a target that no import names (a local object, the result of a call)
counts as ours.
"""

import ast
import pkgutil
from collections.abc import Iterator
from types import ModuleType

OURS = ("agents", "missions", "hq_project", "tests", "benchmarks")
MOCKS = ("unittest.mock.", "mock.", "pytest_mock.")


def replacements(source: str) -> list[str]:
    """What the module replaces, as `line: what`."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {name: path for node in nodes for name, path in _imports(node)}
    found = {
        (node.lineno, path)
        for node in nodes
        if isinstance(node, ast.Call | ast.Assign)
        for path in _replaced(node, names)
        if not _may_change(path)
    }
    mocks = {
        (node.lineno, path)
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for _, path in _imports(node)
        if f"{path}.".startswith(MOCKS)
    }
    return [f"{line}: {what}" for line, what in sorted(found | mocks)]


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a statement imports, each with its path."""
    if isinstance(node, ast.ImportFrom):
        for one in node.names:
            yield one.asname or one.name, f"{node.module}.{one.name}"
    elif isinstance(node, ast.Import):
        for one in node.names:
            yield one.asname or one.name, one.name
            if one.asname is None:
                first = one.name.partition(".")[0]
                yield first, first


def _path(target: ast.expr, names: dict[str, str]) -> str | None:
    """`agents.live.hand_over` for `live.hand_over`; None where no import says what it is."""
    if isinstance(target, ast.Name):
        return names.get(target.id)
    if isinstance(target, ast.Attribute):
        within = _path(target.value, names)
        return within and f"{within}.{target.attr}"
    return None


def _replaced(node: ast.Call | ast.Assign, names: dict[str, str]) -> Iterator[str]:
    """The paths that a node sets: by any `setattr` or `delattr`, or by assignment."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Attribute) and (path := _path(target, names)):
                yield path
    elif node.args:
        called = node.func
        how = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if how in ("setattr", "delattr"):
            yield _named(node.args, names)


def _named(args: list[ast.expr], names: dict[str, str]) -> str:
    """What the arguments of a `setattr` name."""
    first = args[0]
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    within = _path(first, names)
    name = args[1] if len(args) > 1 else None
    if within is None or not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
        return ast.unparse(ast.Tuple(args))
    return f"{within}.{name.value}"


def _may_change(path: str) -> bool:
    """Whether it is not ours, is neither called nor a module, or does not stand there at all."""
    if not path.replace(".", "").isidentifier():
        return False
    if path.partition(".")[0] not in OURS:
        return True
    try:
        stands = pkgutil.resolve_name(path)
    except AttributeError:
        return True
    return not callable(stands) and not isinstance(stands, ModuleType)
