"""Rules that the playbooks of a package must pass, one file of `checks/` each, and the whole package looked at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from keepwell.base.business_time import Calendar
from keepwell.base.errors import PackageError, Problem, nearest
from keepwell.base.registry import kinds
from keepwell.base.wall_time import local_time
from keepwell.health.checks.check import Issue, error
from keepwell.health.load import read_package
from keepwell.health.package import Package, PackageText
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.load import read_playbooks, template_ids
from keepwell.playbooks.step import Step
from keepwell.signals.check import inspect_whole
from keepwell.signals.load import read_signals

# Which of two offsets comes first may hang on the day and hour of the enrolment: every hour of a week is tried.
_MONDAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
STARTS: Final[Sequence[datetime]] = tuple(_MONDAY + timedelta(hours=hour) for hour in range(7 * 24))


class PlaybookCheck:
    """A rule. `kind` is the name of its file."""

    kind: ClassVar[str]

    def issues(self, book: PlaybookBook) -> Iterable[Issue]:
        raise NotImplementedError


def check_playbooks(book: PlaybookBook) -> list[Issue]:
    """What all rules say, in file order."""
    rules = kinds("keepwell.playbooks.checks", PlaybookCheck)
    return sorted({issue for rule in rules.values() for issue in rule().issues(book)})


def inspect_with_playbooks(text: PackageText, others: Mapping[str, PackageText]) -> list[Issue]:
    """Everything there is to say about a package's files: health models, signals and playbooks."""
    return sorted({*inspect_whole(text, others), *_playbook_issues(text, others)})


def load_valid_with_playbooks(text: PackageText, others: Mapping[str, PackageText]) -> tuple[Package, PlaybookBook]:
    """The package and its playbooks, or a PackageError with every error in them."""
    reading = read_package(text, others)
    errors = [issue for issue in inspect_with_playbooks(text, others) if issue.level == "error"]
    if errors or reading.package is None:
        raise PackageError([Problem(issue.file, issue.line, issue.sentence) for issue in errors])
    signals = read_signals(text, reading.package).book
    return reading.package, read_playbooks(text, signals, template_ids(text)).book


def _playbook_issues(text: PackageText, others: Mapping[str, PackageText]) -> Iterator[Issue]:
    package = read_package(text, others).package
    if package is None or not package.models:
        return
    reading = read_playbooks(text, read_signals(text, package).book, template_ids(text))
    yield from map(error, reading.problems)
    yield from check_playbooks(reading.book)


def unknown(
    book: PlaybookBook,
    playbook: str,
    path: tuple[str | int, ...],
    noun: str,
    asked: Iterable[str],
    known: Iterable[str],
) -> Iterator[Issue]:
    """An error at a place of a playbook for every name that is not known, with the nearest that is."""
    names = tuple(known)
    for one in dict.fromkeys(asked):
        if one not in names:
            hint = nearest(one, names) or (f" Known: {', '.join(names)}." if len(names) < 8 and names else "")
            yield error(book.spots[playbook].problem(f"unknown {noun} '{one}'.{hint}", *path))


def due_times(step: Step) -> list[datetime]:
    """When a step is due for each of `STARTS`, in a zone without summer time and with weekends only."""
    return [step.after.due_at(start, Calendar()) for start in STARTS]


def told(start: datetime) -> str:
    """A start as a sentence names it."""
    return f"{local_time(start, Calendar().place):%A %H:%M}"
