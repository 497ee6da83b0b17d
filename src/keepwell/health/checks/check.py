"""Rules that a package must pass, and the one call that asks them all.

A rule is one class in one file of `rules/`; its module docstring is the text that users read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from keepwell.base.errors import PackageError, Problem
from keepwell.base.registry import kinds
from keepwell.base.yaml_source import Path, YamlSource
from keepwell.health.health_model import Group, HealthModel, Measure
from keepwell.health.load import read_package
from keepwell.health.package import Package, PackageText, Reading

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Issue:
    """One thing that a rule has to say; a package with an error cannot be published."""

    file: str
    line: int
    level: Level
    sentence: str

    def __str__(self) -> str:
        mark = "warning: " if self.level == "warning" else ""
        return f"{self.file}:{self.line}: {mark}{self.sentence}"


class Check:
    """A rule. `kind` is the name of its file."""

    kind: ClassVar[str]

    def issues(self, package: Package) -> Iterable[Issue]:
        raise NotImplementedError


def error(problem: Problem) -> Issue:
    return Issue(problem.file, problem.line, "error", problem.sentence)


def warning(problem: Problem) -> Issue:
    return Issue(problem.file, problem.line, "warning", problem.sentence)


def models_of(package: Package) -> Iterator[tuple[HealthModel, YamlSource]]:
    for name, model in package.models.items():
        yield model, package.model_sources[name]


def parts_of(package: Package) -> Iterator[tuple[HealthModel, YamlSource, Path, Measure | Group]]:
    """Every group and measure of every model, with its path."""
    for model, source in models_of(package):
        for path, part in model.walk():
            yield model, source, path, part


def check_package(package: Package) -> list[Issue]:
    """What all rules say, in file order; nothing in it means that the package can be published."""
    rules = kinds("keepwell.health.checks.rules", Check)
    return sorted({issue for rule in rules.values() for issue in rule().issues(package)})


def inspect_package(text: PackageText, others: Mapping[str, PackageText]) -> list[Issue]:
    """Everything there is to say about the files: what cannot be read, and what the rules say of the rest."""
    return _inspected(read_package(text, others))


def load_valid_package(text: PackageText, others: Mapping[str, PackageText]) -> Package:
    """The package, or a PackageError with every error in it, of shape and of sense."""
    reading = read_package(text, others)
    errors = [issue for issue in _inspected(reading) if issue.level == "error"]
    if errors or reading.package is None:
        raise PackageError([Problem(issue.file, issue.line, issue.sentence) for issue in errors])
    return reading.package


def _inspected(reading: Reading) -> list[Issue]:
    unreadable = [error(problem) for problem in reading.problems]
    if reading.package is None:
        return unreadable
    found = check_package(reading.package)
    if unreadable:
        # What a rule warns of may only be an effect of what could not be read.
        found = [issue for issue in found if issue.level == "error" and not _is_unread(issue, reading)]
    return sorted({*unreadable, *found})


def _is_unread(issue: Issue, reading: Reading) -> bool:
    return any(file == issue.file and place.line <= issue.line <= place.last_line for file, place in reading.unread)
