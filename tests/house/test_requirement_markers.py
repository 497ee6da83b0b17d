"""A test that names a requirement must assert something, itself or through a helper that does."""

import ast
from collections.abc import Iterator, Mapping

from tests.house.repository import name_of, python_files

GOOD = """
@pytest.mark.requirement("A001")
def test_a(): assert weight() == 40
@pytest.mark.requirement("A002")
def test_b():
    with pytest.raises(ValueError): weight()
@pytest.mark.requirement("A003")
def test_c(): check_weight(40)
def check_weight(n): assert weight() == n
@pytest.mark.requirement("A004")
def test_d(): numpy.testing.assert_allclose(a, b)
@pytest.mark.requirement("A005")
class TestE:
    def test_e(self): assert weight()
    def helper(self): pass
def test_without_marker(): weight()
"""
BAD = """
@pytest.mark.requirement("A001")
def test_a(): weight()
@pytest.mark.requirement("A002")
def test_b(): assert True
@pytest.mark.requirement("A003")
def test_c(): check_nothing()
def check_nothing(): weight()
@pytest.mark.requirement("A004")
class TestD:
    def test_d(self): pass
@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.requirement("A005"))])
def test_e(n): print(n)
"""
BAD_MODULE = 'pytestmark = [pytest.mark.requirement("A001")]\ndef test_a(): weight()\n'

Function = ast.FunctionDef | ast.AsyncFunctionDef
_PLAYWRIGHT = "expect"


def names_requirement(nodes: list[ast.expr]) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == "requirement" for top in nodes for node in ast.walk(top)
    )


def marked_tests(tree: ast.Module) -> Iterator[Function]:
    """Test functions that carry the marker, by themselves, by their class or by their module."""
    whole = [s.value for s in tree.body if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "pytestmark"]

    def walk(body: list[ast.stmt], is_marked: bool) -> Iterator[Function]:
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from walk(node.body, is_marked or names_requirement(node.decorator_list))
            elif (
                isinstance(node, Function)
                and node.name.startswith("test")
                and (is_marked or names_requirement(node.decorator_list))
            ):
                yield node

    yield from walk(tree.body, names_requirement(whole))


def asserts(function: Function, helpers: Mapping[str, Function], seen: frozenset[str] = frozenset()) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        if name in ("raises", "warns", _PLAYWRIGHT):
            return True
        if not name.startswith(("assert_", "check_")) or name in seen:
            continue
        # A helper of ours must itself assert; one that we do not know is a library's.
        if name not in helpers or asserts(helpers[name], helpers, seen | {name}):
            return True
    return False


def idle_tests(trees: Mapping[str, ast.Module]) -> list[str]:
    helpers = {n.name: n for tree in trees.values() for n in ast.walk(tree) if isinstance(n, Function)}
    return [
        f"{file}:{test.lineno}: {test.name} names a requirement and asserts nothing"
        for file, tree in trees.items()
        for test in marked_tests(tree)
        if not asserts(test, helpers)
    ]


def test_the_rule_knows_good_from_bad() -> None:
    assert idle_tests({"a.py": ast.parse(GOOD)}) == []
    assert [line.split()[1] for line in idle_tests({"a.py": ast.parse(BAD)})] == [
        "test_a",
        "test_b",
        "test_c",
        "test_d",
        "test_e",
    ]
    assert len(idle_tests({"a.py": ast.parse(BAD_MODULE)})) == 1


def test_every_test_that_names_a_requirement_asserts_something() -> None:
    trees = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in python_files("tests")}
    assert idle_tests(trees) == []
