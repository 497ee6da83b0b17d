"""No module of ours needs itself, however long the way round; no import hides in a function."""

import ast
from collections.abc import Mapping
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter

import grimp

from tests.house.repository import name_of, python_files

GOOD = "from keepwell.base import clock\ndef f():\n    return clock\n"
BAD = "def f():\n    from keepwell.base import clock\n    return clock\n"


def cycle_in(imports: Mapping[str, set[str]]) -> list[str]:
    """Modules of one cycle, or none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def hidden_imports(text: str) -> list[int]:
    """Lines of imports of our own modules inside functions: the sign of a cycle that was dodged."""
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = set()
    for node in (node for function in functions for node in ast.walk(function)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] == "keepwell" for name in names):
            lines.add(node.lineno)
    return sorted(lines)


def test_the_rules_know_good_from_bad() -> None:
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(cycle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
    assert hidden_imports(GOOD) == []
    assert hidden_imports(BAD) == [2]


def test_no_module_needs_itself() -> None:
    graph = grimp.build_graph("keepwell", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert cycle_in(imports) == []


# The command line imports what a command needs when it runs: `keepwell --help` need not load an engine.
# Django asks an application to connect its signals in `ready`, when the models are loaded.
MAY_IMPORT_LATE = ("src/keepwell/cli/*", "src/keepwell/*/apps.py")


def test_no_import_hides_in_a_function() -> None:
    hidden = [
        f"{name_of(path)}:{line}"
        for path in python_files("src")
        if not any(fnmatchcase(name_of(path), late) for late in MAY_IMPORT_LATE)
        for line in hidden_imports(path.read_text(encoding="utf-8"))
    ]
    assert hidden == []
