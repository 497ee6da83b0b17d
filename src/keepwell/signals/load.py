"""From the texts of a package's files to its signal rules. Every file may be missing; nothing is inherited."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pydantic import BaseModel

from keepwell.base.errors import PackageError, Problem
from keepwell.base.shape import Name, read_shape
from keepwell.base.yaml_source import YamlSource, read_yaml
from keepwell.health.package import Package, PackageText, Spot
from keepwell.signals.alert import AlertsFile
from keepwell.signals.book import Noun, SignalBook
from keepwell.signals.milestone import MilestonesFile
from keepwell.signals.opportunity import OpportunitiesFile
from keepwell.signals.plan import PlanCatalogue
from keepwell.signals.policy import Policy
from keepwell.signals.priority import PriorityRule
from keepwell.signals.rule import Policies, Segment, Shape

S = TypeVar("S", bound=BaseModel)
SEGMENTS: Final = "segments.yaml"
ALERTS: Final = "alerts.yaml"
OPPORTUNITIES: Final = "opportunities.yaml"
MILESTONES: Final = "milestones.yaml"
PLANS: Final = "plans.yaml"
TODAY: Final = "today.yaml"


class SegmentsFile(Shape):
    segments: Mapping[Name, Segment]


@dataclass(frozen=True, slots=True)
class SignalReading:
    """As much of the rules as could be read, and what is wrong with the rest."""

    book: SignalBook
    problems: tuple[Problem, ...]


def load_signals(text: PackageText, package: Package) -> SignalBook:
    """The signal rules of a package, or a PackageError with everything in them that cannot be read."""
    reading = read_signals(text, package)
    if reading.problems:
        raise PackageError(reading.problems)
    return reading.book


def read_signals(text: PackageText, package: Package) -> SignalReading:
    """Like `load_signals`, but keeps what could be read beside the problems. The package has at least one model."""
    files = _Files(text)
    segments = files.read(SEGMENTS, SegmentsFile)
    alerts = files.read(ALERTS, AlertsFile)
    opportunities = files.read(OPPORTUNITIES, OpportunitiesFile)
    milestones = files.read(MILESTONES, MilestonesFile)
    book = SignalBook(
        package,
        next(iter(package.models.values())),
        plans=files.read(PLANS, PlanCatalogue),
        priority=files.read(TODAY, PriorityRule) or PriorityRule(),
    )
    policies: dict[tuple[Noun, str], Policy] = {}
    if segments:
        book = replace(book, segments=segments.segments)
    if alerts:
        policies.update(_named("alert", alerts.policies))
        book = replace(book, alerts=alerts.alerts)
    if opportunities:
        policies.update(_named("opportunity", opportunities.policies))
        book = replace(
            book,
            opportunities=opportunities.opportunities,
            together=opportunities.value,
            blocked=opportunities.blocked,
            won=opportunities.won,
            contacted=opportunities.contacted,
        )
    if milestones:
        policies.update(_named("milestone", milestones.policies))
        book = replace(book, milestones=milestones.milestones, unwise=milestones.unwise, awards=milestones.awards)
    return SignalReading(replace(book, policies=policies, spots=files.spots), tuple(sorted(set(files.problems))))


class _Files:
    def __init__(self, text: PackageText) -> None:
        self._text = text
        self.problems: list[Problem] = []
        self.spots: dict[tuple[str, str], Spot] = {}

    def read(self, name: str, shape: type[S]) -> S | None:
        if name not in self._text.files:
            return None
        label = f"{self._text.folder}/{name}" if self._text.folder else name
        source = read_yaml(label, self._text.files[name])
        self.problems += source.problems
        if source.data is None and source.problems:
            return None
        found, problems, _ = read_shape(shape, source)
        self.problems += problems
        self._note_spots(source)
        return found

    def _note_spots(self, source: YamlSource) -> None:
        if not isinstance(source.data, dict):
            return
        for section, entries in source.data.items():
            if isinstance(entries, dict):
                for entry in entries:
                    self.spots[section, entry] = Spot(source, (section, entry))


def _named(noun: Noun, policies: Policies) -> dict[tuple[Noun, str], Policy]:
    return {(noun, name): policy for name, policy in policies.items()}
