"""Rules that the signals of a package must pass, one file of `checks/` each, and the whole package looked at once."""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from keepwell.base.errors import PackageError, Problem
from keepwell.base.registry import kinds
from keepwell.health.checks.check import Issue, error, inspect_package
from keepwell.health.load import read_package
from keepwell.health.package import Package, PackageText, Reading
from keepwell.signals.book import SignalBook
from keepwell.signals.load import read_signals


class SignalCheck:
    """A rule. `kind` is the name of its file."""

    kind: ClassVar[str]

    def issues(self, book: SignalBook) -> Iterable[Issue]:
        raise NotImplementedError


def check_signals(book: SignalBook) -> list[Issue]:
    """What all rules say, in file order."""
    rules = kinds("keepwell.signals.checks", SignalCheck)
    return sorted({issue for rule in rules.values() for issue in rule().issues(book)})


def inspect_whole(text: PackageText, others: Mapping[str, PackageText]) -> list[Issue]:
    """Everything there is to say about a package's files, signals included."""
    return sorted({*inspect_package(text, others), *_signal_issues(text, read_package(text, others))})


def load_valid_whole(text: PackageText, others: Mapping[str, PackageText]) -> tuple[Package, SignalBook]:
    """The package and its signal rules, or a PackageError with every error in them."""
    reading = read_package(text, others)
    errors = [issue for issue in inspect_whole(text, others) if issue.level == "error"]
    if errors or reading.package is None:
        raise PackageError([Problem(issue.file, issue.line, issue.sentence) for issue in errors])
    return reading.package, read_signals(text, reading.package).book


def _signal_issues(text: PackageText, reading: Reading) -> Iterator[Issue]:
    if reading.package is None or not reading.package.models:
        return
    signals = read_signals(text, reading.package)
    yield from map(error, signals.problems)
    # What a rule warns of may only be an effect of what could not be read.
    warns = not signals.problems and not reading.problems
    yield from (issue for issue in check_signals(signals.book) if warns or issue.level == "error")
