"""Rules that the playbooks of a package must pass, one file of `checks/` each, and the whole package looked at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Final

from keepwell.base.business_time import Calendar
from keepwell.base.errors import PackageError, Problem, nearest
from keepwell.base.registry import kinds
from keepwell.health.checks.check import Issue, error
from keepwell.health.load import read_package
from keepwell.health.package import Package, PackageText
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.load import read_playbooks, template_ids, template_text
from keepwell.playbooks.offset import Offset
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.step import Clock, Step
from keepwell.playbooks.template_book import inspect_names, inspect_read, read_templates
from keepwell.playbooks.voice import read_voice
from keepwell.signals.check import inspect_whole
from keepwell.signals.load import read_signals

_MONDAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
_TEAMS: Final = ("UTC", "America/Los_Angeles", "Asia/Tokyo")


@dataclass(frozen=True, slots=True)
class Trial:
    """An enrolment that offsets are tried with; its contact is in UTC."""

    start: datetime
    team: Calendar

    def due_at(self, offset: Offset, step: Step) -> datetime:
        """When an offset of the step is over."""
        return offset.due_at(self.start, step.calendar(Calendar(), self.team))

    def __str__(self) -> str:
        far = "" if self.team == Calendar() else f" with the team in {self.team.zone} and the contact in UTC"
        return f"a start on {self.start:%A %H:%M}{far}"


# Which of two offsets comes first may hang on the day and hour of the enrolment, and on the zones of contact and team:
# every hour of a week is tried, with the team near and far.
TRIALS: Final = tuple(
    Trial(_MONDAY + timedelta(hours=hour), Calendar(zone=zone)) for zone in _TEAMS for hour in range(168)
)


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
    """Everything there is to say about a package's files: models, signals, playbooks, templates and the voice."""
    voice = map(error, read_voice(text).problems)
    return sorted({*inspect_whole(text, others), *_playbook_issues(text, others), *voice})


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
    texts = template_text(text, package.metrics)
    templates, problems = read_templates(texts) if texts.files else (None, ())
    yield from inspect_read(texts, templates, problems)
    if templates is not None:
        plans = reading.book.signals.plans
        yield from inspect_names(texts, templates, package.catalogue.events, plans.plans if plans is not None else None)
    heads = {name: one.head for name, one in templates.templates.items()} if templates else {}
    links = frozenset(templates.settings.links) if templates else None
    yield from check_playbooks(replace(reading.book, heads=heads, links=links))


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


def due_times(step: Step) -> Sequence[datetime]:
    """When a step is due in each of `TRIALS`."""
    return times_of(step, step.after)


def times_of(step: Step, offset: Offset) -> Sequence[datetime]:
    """When an offset of a step is over in each of `TRIALS`."""
    return _tried(offset, step.clock or step.usual_clock)


def contact_times(offset: Offset) -> Sequence[datetime]:
    """When an offset is over on the contact's clock in each of `TRIALS`."""
    return _tried(offset, "contact")


def latest_times(playbook: Playbook, number: int) -> Sequence[datetime]:
    """When a step is due at the latest in each of `TRIALS`: one on the path of a wait may come only after its end."""
    step = playbook.steps[number]
    own = due_times(step)
    leading = [place for place, one in enumerate(playbook.steps[:number]) if step.path in one.paths()]
    if not leading:
        return own
    branch = playbook.steps[leading[-1]]
    latest = latest_times(playbook, leading[-1])
    if branch.waits and branch.within is not None:
        lengths = zip(times_of(branch, branch.within), due_times(branch), strict=True)
        latest = [late + (end - begin) for late, (end, begin) in zip(latest, lengths, strict=True)]
    return [max(pair) for pair in zip(own, latest, strict=True)]


# Many steps share an offset.
@lru_cache(maxsize=512)
def _tried(offset: Offset, clock: Clock) -> Sequence[datetime]:
    return tuple(offset.due_at(one.start, Calendar() if clock == "contact" else one.team) for one in TRIALS)
