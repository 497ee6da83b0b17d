"""Everything of a package that turns values and scores into signals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from keepwell.facts.traits import ACCOUNT_EVENTS
from keepwell.health.health_model import HealthModel
from keepwell.health.package import Package, Spot
from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.metric import Metric, with_used
from keepwell.signals.alert import AlertRule
from keepwell.signals.condition import Condition, When
from keepwell.signals.conditions.absence import Absence
from keepwell.signals.conditions.event import EventHappened
from keepwell.signals.milestone import Award, MilestoneRule, Unwise
from keepwell.signals.opportunity import Blocked, OpportunityRule
from keepwell.signals.plan import PlanCatalogue
from keepwell.signals.policy import Policy
from keepwell.signals.priority import PriorityRule
from keepwell.signals.rule import Rule, Segment

Noun = Literal["alert", "opportunity", "milestone"]


@dataclass(frozen=True, slots=True)
class SignalBook:
    """The signal rules of a package. They are about its first health model: its scores, bands and trend.

    `policies` are by noun and name; every rule's policy is in it. `spots` say where each entry stands, by its section
    and id.
    """

    package: Package
    model: HealthModel
    segments: Mapping[str, Segment] = field(default_factory=dict)
    alerts: Mapping[str, AlertRule] = field(default_factory=dict)
    opportunities: Mapping[str, OpportunityRule] = field(default_factory=dict)
    milestones: Mapping[str, MilestoneRule] = field(default_factory=dict)
    policies: Mapping[tuple[Noun, str], Policy] = field(default_factory=dict)
    together: Literal["largest", "sum"] = "largest"
    blocked: Mapping[str, Blocked] = field(default_factory=dict)
    won: Sequence[EventFilter] = ()
    contacted: Sequence[EventFilter] = ()
    unwise: Mapping[str, Unwise] = field(default_factory=dict)
    awards: Mapping[str, Award] = field(default_factory=dict)
    plans: PlanCatalogue | None = None
    priority: PriorityRule = field(default_factory=PriorityRule)
    spots: Mapping[tuple[str, str], Spot] = field(default_factory=dict)

    def rules(self) -> Iterator[tuple[Noun, str, Rule]]:
        yield from (("alert", name, rule) for name, rule in self.alerts.items())
        yield from (("opportunity", name, rule) for name, rule in self.opportunities.items())
        yield from (("milestone", name, rule) for name, rule in self.milestones.items())

    def policy(self, noun: Noun, rule: Rule) -> Policy:
        return self.policies.get((noun, rule.policy), Policy())

    def whens(self) -> Iterator[tuple[str, str, When]]:
        """Every condition of every rule with its section and id; that of an alert's end too."""
        yield from (("segments", name, segment.when) for name, segment in self.segments.items())
        yield from (("alerts", name, rule.when) for name, rule in self.alerts.items())
        yield from (("alerts", name, rule.until) for name, rule in self.alerts.items() if rule.until)
        yield from (("opportunities", name, rule.when) for name, rule in self.opportunities.items())
        yield from (("blocked", name, blocked.when) for name, blocked in self.blocked.items())
        yield from (("milestones", name, rule.when) for name, rule in self.milestones.items())
        yield from (("unwise", name, unwise.when) for name, unwise in self.unwise.items())

    def conditions(self) -> Iterator[Condition]:
        for _, _, when in self.whens():
            yield from when.walk()

    def metrics(self) -> dict[str, Metric]:
        """Everything that the rules must know, with the metrics that those use."""
        own: dict[str, Metric] = {}
        names: dict[str, None] = {}
        for condition in self.conditions():
            own.update(condition.metrics())
            names.update(dict.fromkeys(condition.metric_ids()))
        for rule in self.opportunities.values():
            names.update(dict.fromkeys(rule.worth.metric_ids()))
        return own | with_used(names, self.package.metrics)

    def movers(self, when: When) -> list[EventFilter]:
        """The events by which it may come to hold."""
        found: list[EventFilter] = []
        for condition in when.walk():
            names, segments = condition.metric_ids(), condition.segment_ids()
            metrics = {**condition.metrics(), **with_used(names, self.package.metrics)}
            for name in segments:
                found += self.movers(self.segments[name].when) if name in self.segments else ()
            if not (metrics or segments or condition.inner()):
                # It asks for the score or for traits.
                metrics = with_used(self.model.metrics(), self.package.metrics)
                found.append(EventFilter(events=ACCOUNT_EVENTS))
            found += [wanted for metric in metrics.values() for wanted in metric.reads()]
        return found

    def score_days(self) -> list[int]:
        """Over how many days the rules and their policies must know the highest and lowest score."""
        found = {days for condition in self.conditions() for days in condition.score_days()}
        found |= {policy.fast.days for policy in self.policies.values() if policy.fast is not None}
        return sorted(found)

    def daily_days(self) -> list[int]:
        return sorted({days for condition in self.conditions() for days in condition.daily_days()})

    def absences(self) -> dict[str, Absence]:
        found = (condition for condition in self.conditions() if isinstance(condition, Absence))
        return {absence.id: absence for absence in found}

    def happenings(self) -> dict[str, EventHappened]:
        found = (condition for condition in self.conditions() if isinstance(condition, EventHappened))
        return {happening.id: happening for happening in found}
