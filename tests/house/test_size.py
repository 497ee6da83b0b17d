"""Functions stay below 60 lines and files below 500, except for a list that may only shrink."""

import ast
from collections.abc import Iterator, Mapping

from tests.house.repository import ROOT, name_of, python_files

FUNCTION_LINES = 60
FILE_LINES = 500
LIST = ROOT / "tests" / "house" / "sizes.txt"

GOOD = "def short():\n" + "    x = 1\n" * 59
BAD = "class A:\n    def long(self):\n" + "        x = 1\n" * 60


def too_long(name: str, text: str) -> dict[str, int]:
    """Place → lines, for the file and the functions in it that are over their limit."""
    lines = len(text.splitlines())
    found = {name: lines} if lines > FILE_LINES else {}
    for place, node in _functions(ast.parse(text), name + "::"):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            found[place] = length
    return found


def _functions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _functions(node, f"{prefix}{node.name}." if named else prefix)


def complaints(found: Mapping[str, int], allowed: Mapping[str, int]) -> list[str]:
    over = [
        f"{place}: {lines} lines; split it (functions {FUNCTION_LINES}, files {FILE_LINES})"
        for place, lines in found.items()
        if lines > allowed.get(place, 0)
    ]
    gone = [f"{place}: below the limit now; take it off {LIST.name}" for place in allowed if place not in found]
    shrunk = [
        f"{place}: {found[place]} lines now; write that in {LIST.name}"
        for place, lines in allowed.items()
        if found.get(place, lines) < lines
    ]
    return over + gone + shrunk


def allowed_sizes() -> dict[str, int]:
    rows = [line.split() for line in LIST.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    return {place: int(lines) for place, lines in rows}


def test_the_rule_knows_good_from_bad() -> None:
    assert too_long("a.py", GOOD) == {}
    assert too_long("a.py", BAD) == {"a.py::A.long": 61}
    assert too_long("a.py", "x = 1\n" * 500) == {}
    assert too_long("a.py", "x = 1\n" * 501) == {"a.py": 501}


def test_the_list_may_only_shrink() -> None:
    assert complaints({"a.py": 510}, {"a.py": 510}) == []
    assert complaints({"a.py": 511}, {"a.py": 510}) != []
    assert complaints({"a.py": 509}, {"a.py": 510}) != []
    assert complaints({}, {"a.py": 510}) != []


def test_nothing_of_ours_is_too_long() -> None:
    found: dict[str, int] = {}
    for path in python_files():
        found.update(too_long(name_of(path), path.read_text(encoding="utf-8")))
    assert complaints(found, allowed_sizes()) == []
