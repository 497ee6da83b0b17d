"""Counts which requirements are shown by passing tests.

A test names the requirements that it shows: `@pytest.mark.requirement("A035", "B099")`. `pytest --mission` runs the
tests that name one, writes `build/mission.json` (id → the passing tests that name it) and prints the rest by class.
A test counts when its set-up, its call and its tear-down all passed; failed, skipped and expected-to-fail never count.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

DEFAULT_REQUIREMENTS = Path("../shared/mission/requirements.md")
PROPERTY = "requirement"
SETTLED = "X"  # class of the contradictions, which carry none in the file

_REQUIREMENT = re.compile(r"^\| \[[ x]\] \| ([A-Z]\d{3}) \|.*\| ([A-Z]+) \|[^|]*\|\s*$")
_CONTRADICTION = re.compile(r"^\| (X\d{2}) \|")


def read_requirements(text: str) -> dict[str, str]:
    """Requirement id → class, in the order of the file."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _REQUIREMENT.match(line):
            found[match.group(1)] = match.group(2)
        elif match := _CONTRADICTION.match(line):
            found[match.group(1)] = SETTLED
    return found


def requirements_path(root: Path) -> Path:
    return (root / os.environ.get("KEEPWELL_REQUIREMENTS", str(DEFAULT_REQUIREMENTS))).resolve()


def report_lines(classes: Mapping[str, str], shown: Mapping[str, list[str]]) -> list[str]:
    """Two lines per class: the ids that passing tests name, and those that none names."""
    by_class: dict[str, list[str]] = defaultdict(list)
    for identifier, name in classes.items():
        by_class[name].append(identifier)
    lines = []
    for name, ids in sorted(by_class.items()):
        named = [identifier for identifier in ids if identifier in shown]
        missing = [identifier for identifier in ids if identifier not in shown]
        lines.append(f"{name}: {len(named)} of {len(ids)} named by passing tests")
        lines += [f"  named:     {' '.join(named)}"] if named else []
        lines += [f"  not named: {' '.join(missing)}"] if missing else []
    total = sum(identifier in shown for identifier in classes)
    return [*lines, f"All classes: {total} of {len(classes)}"]


class Mission:
    """Gathers outcomes in the process that reports them; workers only run tests."""

    def __init__(self, root: Path, *, is_asked: bool) -> None:
        self.root = root
        self.is_asked = is_asked
        self.path = requirements_path(root)
        self.classes = read_requirements(self.path.read_text(encoding="utf-8")) if self.path.is_file() else {}
        self.named: dict[str, tuple[str, ...]] = {}
        self.passed_phases: dict[str, int] = defaultdict(int)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        unmarked = []
        for item in items:
            ids = [str(name) for marker in item.iter_markers("requirement") for name in marker.args]
            item.user_properties += [(PROPERTY, name) for name in ids]
            if not ids:
                unmarked.append(item)
        if self.is_asked and unmarked:
            config.hook.pytest_deselected(items=unmarked)
            left_out = set(map(id, unmarked))
            items[:] = [item for item in items if id(item) not in left_out]

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        unknown = [str(value) for key, value in item.user_properties if key == PROPERTY and value not in self.classes]
        if self.classes and unknown:
            pytest.fail(f"no requirement {', '.join(unknown)} in {self.path.name}; mend the marker.", pytrace=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        ids = tuple(str(value) for key, value in report.user_properties if key == PROPERTY)
        if not ids:
            return
        self.named[report.nodeid] = ids
        self.passed_phases[report.nodeid] += report.passed and not hasattr(report, "wasxfail")

    def shown(self) -> dict[str, list[str]]:
        shown: dict[str, list[str]] = defaultdict(list)
        for test, ids in sorted(self.named.items()):
            if self.passed_phases[test] == len(("setup", "call", "teardown")):
                for identifier in ids:
                    shown[identifier].append(test)
        return dict(sorted(shown.items()))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.is_asked:
            return
        shown = self.shown()
        target = self.root / "build" / "mission.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(shown, indent=1) + "\n", encoding="utf-8")
        terminalreporter.section("requirements")
        for line in report_lines(self.classes, shown):
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"Written to {target.relative_to(self.root)}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mission", action="store_true", help="run the tests that name a requirement and count them")


def pytest_configure(config: pytest.Config) -> None:
    mission = Mission(config.rootpath, is_asked=bool(config.getoption("--mission")))
    if mission.is_asked and not mission.classes:
        raise pytest.UsageError(
            f"{mission.path} holds no requirements. Set KEEPWELL_REQUIREMENTS to the file whose table rows read "
            "'| [ ] | A001 | text | CFG | 12 |'."
        )
    config.pluginmanager.register(mission, "mission-counter")
