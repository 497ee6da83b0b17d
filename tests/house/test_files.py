"""What every file of the repository keeps to."""

import ast
import re

from tests.house.repository import ROOT, SOURCE, name_of, our_files, python_files

# Where Django looks for a app's models; the only package file that may hold something.
FULL_PACKAGE_FILES = {"src/keepwell/store/models/__init__.py"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "core", "misc"}

# Put together here so that this file does not hold what it looks for.
_MACHINE = re.compile(
    "|".join(
        (
            r"(?<![\w.])/(?:home|Users)/[a-z]\w*",
            r"(?<![\w.])/(?:root|work)/\w",
            "file:" + "//" + r"/\w",
            r"https?://[\w.-]*(?:pypi|pythonhosted|npmjs|artifactory|nexus|registry)[\w.-]*",
            r"--(?:extra-)?(?:index|find|trusted)-(?:url|links|host)",
        )
    )
)
GOOD_LINES = ("see https://example.org/home/page", "uv pip compile --no-emit-index-url", "src/work/x.py", "a/root/b")
BAD_LINES = (
    "/ho" + "me/ann/keepwell",
    "cd /ro" + "ot/x",
    "/Us" + "ers/ann",
    "file:" + "///opt/wheels",
    "https://py" + "pi.org/simple",
    "--index" + "-url https://example.org",
)


def names_a_machine(line: str) -> bool:
    return _MACHINE.search(line) is not None


def test_the_rule_on_machines_knows_good_from_bad() -> None:
    assert not [line for line in GOOD_LINES if names_a_machine(line)]
    assert not [line for line in BAD_LINES if not names_a_machine(line)]


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in our_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{name_of(path)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), start=1)
            if names_a_machine(line)
        ]
    assert found == []


def test_package_files_are_empty() -> None:
    full = [
        name_of(path) for path in python_files("src") if path.name == "__init__.py" and path.read_text(encoding="utf-8")
    ]
    assert set(full) - FULL_PACKAGE_FILES == set()


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in python_files("src")}
    assert [name_of(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_files_are_named_for_what_they_hold() -> None:
    vague = [
        name_of(path) for path in python_files() if VAGUE_NAMES & {path.stem, *path.relative_to(ROOT).parent.parts}
    ]
    assert vague == []


def test_every_kind_tells_its_readers_what_it_is() -> None:
    silent = []
    for folder in ("metrics/kinds", "health/scales", "health/checks", "connectors/kinds"):
        for path in sorted((SOURCE / folder).glob("*.py")):
            if path.name != "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))):
                silent.append(name_of(path))
    assert silent == []


def test_the_changelog_has_a_place_for_the_next_release() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert [line for line in headings[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", line)] == []


def test_decisions_hold_an_answer_and_its_figures() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    decisions = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    lacking = [
        decision.splitlines()[0]
        for decision in decisions
        if "**Answer.**" not in decision or "**Figures.**" not in decision
    ]
    assert lacking == []
