"""Conditions: what a rule may ask of an account, one file of `conditions/` each.

A rule's `when` is a mapping from kinds to what each asks; every part that is written must hold:

    when: {band: [at_risk, high_risk], metric: {mrr: {at_least: 500}}}
    when: {any: [{score: {below: 40}}, {not: {trait: {country: [DE, AT]}}}]}

What hangs on something missing neither holds nor fails to hold, `not` included.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from keepwell.base.registry import kinds
from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.metric import Metric
from keepwell.signals.panel import NEVER, Panel
from keepwell.signals.truth import Truth, every

FOLDER: Final = "keepwell.signals.conditions"


@dataclass(frozen=True, slots=True)
class Line:
    """One number behind a signal: what it is, its value in a unit (None: missing), and the limit in words."""

    label: str
    value: float | str | None
    unit: str
    limit: str


class Condition:
    """One kind of condition. Everything but `truth` says what the kind needs, and is empty for most."""

    kind: ClassVar[str]

    def truth(self, panel: Panel) -> Truth:
        raise NotImplementedError

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        """The numbers that made it hold for one account; `titles` are those of the package's metrics."""
        raise NotImplementedError

    def inner(self) -> Sequence["When"]:
        return ()

    def metrics(self) -> Mapping[str, Metric]:
        """Metrics of its own, by an id that says what they are."""
        return {}

    def metric_ids(self) -> Sequence[str]:
        """Metrics of the package that it reads."""
        return ()

    def band_ids(self) -> Sequence[str]:
        return ()

    def segment_ids(self) -> Sequence[str]:
        return ()

    def score_days(self) -> Sequence[int]:
        """Over how many days it must know the highest and the lowest score."""
        return ()

    def daily_days(self) -> Sequence[int]:
        """Over how many days it must know the average score of each day."""
        return ()

    def reads(self) -> Sequence[EventFilter]:
        """The events that its reader is shown."""
        return ()

    def happened_days(self, panel: Panel) -> NDArray[np.float64] | None:
        """How many days before `as_of` the thing happened; NaN, or None, where no single moment can be named."""
        return None

    def is_news(self, panel: Panel) -> NDArray[np.bool_] | None:
        """Where it holds by something that came in live since the last look; None where that cannot be told."""
        return None

    def next_change(self, panel: Panel) -> NDArray[np.int64]:
        """When it may begin or cease to hold without any event, in microseconds since 1970; NEVER where it won't.

        Windows that slide over many events are not followed; accounts are looked at every hour for their sake.
        """
        return np.full(len(panel), NEVER)


@dataclass(frozen=True, slots=True)
class When:
    """What must hold together."""

    parts: tuple[Condition, ...]

    def truth(self, panel: Panel) -> Truth:
        return every(part.truth(panel) for part in self.parts)

    def walk(self) -> Iterator[Condition]:
        """Every condition in it, outer ones first."""
        for part in self.parts:
            yield part
            for inner in part.inner():
                yield from inner.walk()

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> list[Line]:
        return [line for part in self.parts for line in part.lines(panel, row, titles)]

    def is_news(self, panel: Panel) -> NDArray[np.bool_]:
        """Where one of its conditions holds by something that came in live since the last look."""
        found = np.zeros(len(panel), dtype=np.bool_)
        for part in self.walk():
            told = part.is_news(panel)
            if told is not None:
                found |= told
        return found

    def next_change(self, panel: Panel) -> NDArray[np.int64]:
        return reduce(np.minimum, (part.next_change(panel) for part in self.walk()))

    @classmethod
    def keys(cls) -> type[BaseModel]:
        """The shape of the mapping, for the names of its keys."""
        return _shape()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._validate)

    @classmethod
    def _validate(cls, value: object) -> "When":
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise PydanticCustomError("mapping_type", "a mapping is expected")
        read = _shape().model_validate(dict(value))
        parts = tuple(getattr(read, name) for name in _kinds() if name in read.model_fields_set)
        if not parts or None in parts:
            known = ", ".join(_kinds())
            raise PydanticCustomError(
                "empty_when", "{sentence}", {"sentence": f"a rule must ask for something; expected one of {known}"}
            )
        return cls(parts)


def _kinds() -> dict[str, type[Condition]]:
    return kinds(FOLDER, Condition)


@cache
def _shape() -> type[BaseModel]:
    """Read at the first use: a condition may hold a rule, and a rule any condition."""
    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in _kinds().items()}
    return create_model("Conditions", __config__=ConfigDict(extra="forbid", frozen=True), **fields)
