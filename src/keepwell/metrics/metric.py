"""What every metric kind has in common.

A kind is one class in one file of `kinds/`. It names the events it reads, gives conditional aggregates
over `events_as_of` (its parts) and one expression over them (its value). All metrics of a model run as
one scan and one group-by; a kind that needs an inner step (per contact, or in order of time) gives it
as `side`: rows keyed by `as_of` and `account` among others, and aggregates over them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import ibis.expr.types as ir
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from keepwell.metrics.event_filter import Condition, EventFilter, PropertyType
from keepwell.metrics.events import CONTACT, Events

Unit = Literal["share", "count", "days", "hours", "money", "points", "percent_change", "number"]
Days = Annotated[int, Field(gt=0, le=730, strict=True)]

Parts = Mapping[str, ir.Value]


@dataclass(frozen=True, slots=True)
class Side:
    """Rows finer than an account, and aggregates over them; metrics with equal rows share the step."""

    rows: ir.Table
    aggregates: Mapping[str, ir.Value]


class Metric(BaseModel):
    """One number per account as of a time; missing is not zero."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    title: StrictStr
    about: StrictStr = ""
    unit: Unit
    better: Literal["up", "down", "middle"]
    self_caused: StrictBool = False
    predictive: StrictBool = False

    def reads(self) -> tuple[EventFilter, ...]:
        """The events behind the number, which its reader is shown.

        Where somebody's log has never heard of any name of one of these filters, the number is missing.
        """
        raise NotImplementedError

    def properties(self) -> dict[str, PropertyType]:
        """The event properties the kind reads, with the type each must have."""
        found: dict[str, PropertyType] = {}
        for wanted in self.reads():
            found.update(wanted.properties())
        return found

    def uses(self) -> tuple[str, ...]:
        """Other metrics whose values this one reads."""
        return ()

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        """Aggregates over `events_as_of`, by a name that is this kind's own."""
        raise NotImplementedError

    def side(self, events: Events) -> Side | None:
        """Aggregates over an inner step, which join the parts by their names."""
        return None

    def value(self, part: Parts) -> ir.NumericValue:
        """The number, from the parts, the side's columns and the metrics in `uses`."""
        raise NotImplementedError


class EventMetric(Metric):
    """A metric over one set of events."""

    events: Annotated[tuple[StrictStr, ...], Field(min_length=1)]
    where: Mapping[str, Condition] = {}

    def filter(self) -> EventFilter:
        return EventFilter(events=self.events, where=self.where)

    def reads(self) -> tuple[EventFilter, ...]:
        return (self.filter(),)


class ComparedMetric(EventMetric):
    """What one stretch of time holds against what another does: the count of the events, or of one of their numbers.

    A kind says which words `measure` may have.
    """

    measure: str = "count"
    property: StrictStr | None = None
    minimum: Annotated[int, Field(ge=1, strict=True)] = 1

    @model_validator(mode="after")
    def _measure_fits(self) -> Self:
        if self.measure == "count" and self.property is not None:
            raise ValueError(f"'measure: count' does not read a property; remove '{self.property}' or measure its sum")
        if self.measure != "count" and self.property is None:
            raise ValueError(f"'measure: {self.measure}' needs 'property', the number to work on")
        return self

    def properties(self) -> dict[str, PropertyType]:
        found = super().properties()
        return found if self.property is None else {**found, self.property: "number"}


class Told(EventFilter):
    """The newest number that one of these events told."""

    property: StrictStr

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), self.property: "number"}


class Amount(EventFilter):
    """How many of these events, or the sum of one of their numbers."""

    property: StrictStr | None = None

    def properties(self) -> dict[str, PropertyType]:
        found = super().properties()
        return found if self.property is None else {**found, self.property: "number"}


def item_property(name: str) -> dict[str, PropertyType]:
    """What a kind that counts different things reads; contacts are no property."""
    return {} if name == CONTACT else {name: "text"}


def with_used(names: Iterable[str], known: Mapping[str, Metric]) -> dict[str, Metric]:
    """Those of the metrics that are known, in this order, and behind them those that they take values from."""
    found: dict[str, Metric] = {}
    waiting = list(names)
    while waiting:
        fresh = {name: known[name] for name in waiting if name in known and name not in found}
        found |= fresh
        waiting = sorted({used for metric in fresh.values() for used in metric.uses()})
    return found
