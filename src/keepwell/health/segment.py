"""Groups of accounts by rule: score, band, trend, metric values and traits, joined by `all`, `any` and `not`.

    when: {band: [at_risk, high_risk], metric: {mrr: {at_least: 500}}}
    when: {any: [{score: {below: 40}}, {not: {trait: {country: [DE, AT]}}}]}

A comparison with something missing is neither true nor false: no segment holds an account because a value is missing,
`not` included.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, model_validator

from keepwell.base.shape import Name
from keepwell.metrics.event_filter import Condition, Range

Known = str | float | bool | Decimal | None


class Rule(BaseModel):
    """Every part of a rule that is written must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    score: Range | None = None
    band: StrictStr | tuple[StrictStr, ...] | None = None
    trend: Literal["improving", "stable", "declining"] | None = None
    metric: Mapping[StrictStr, Condition] = {}
    trait: Mapping[StrictStr, Condition] = {}
    all: tuple["Rule", ...] = ()
    any: tuple["Rule", ...] = ()
    negated: "Rule | None" = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _says_something(self) -> "Rule":
        if not self.model_fields_set:
            raise ValueError("a rule needs at least one of score, band, trend, metric, trait, all, any and not")
        return self

    def bands(self) -> tuple[str, ...]:
        """The bands that this rule itself names."""
        if self.band is None:
            return ()
        return (self.band,) if isinstance(self.band, str) else self.band

    def walk(self) -> Iterator["Rule"]:
        """This rule and every one inside it."""
        yield self
        for inner in (*self.all, *self.any, *([self.negated] if self.negated else [])):
            yield from inner.walk()


class Segment(BaseModel):
    """Accounts that a rule holds for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name
    title: StrictStr
    when: Rule


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about one account; None, or no entry, where nothing is."""

    score: Decimal | None = None
    band: str | None = None
    trend: str | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    traits: Mapping[str, Known] = field(default_factory=dict)


def holds(rule: Rule, standing: Standing) -> bool | None:
    """Whether the rule holds; None when that hangs on something missing."""
    parts: list[bool | None] = []
    if rule.score is not None:
        parts.append(_meets(rule.score, standing.score))
    if rule.band is not None:
        parts.append(_meets(rule.bands(), standing.band))
    if rule.trend is not None:
        parts.append(_meets(rule.trend, standing.trend))
    parts += [_meets(wanted, standing.metrics.get(name)) for name, wanted in rule.metric.items()]
    parts += [_meets(wanted, standing.traits.get(name)) for name, wanted in rule.trait.items()]
    parts += [holds(inner, standing) for inner in rule.all]
    if rule.any:
        parts.append(_not(_all(_not(holds(inner, standing)) for inner in rule.any)))
    if rule.negated is not None:
        parts.append(_not(holds(rule.negated, standing)))
    return _all(parts)


def members(segment: Segment, standings: Mapping[int, Standing]) -> tuple[int, ...]:
    """The accounts that the segment's rule certainly holds for, in the order given."""
    return tuple(account for account, standing in standings.items() if holds(segment.when, standing) is True)


def by_band(standings: Mapping[int, Standing]) -> dict[str | None, tuple[int, ...]]:
    """The accounts of each band; those whose band is not known under None."""
    found: dict[str | None, list[int]] = {}
    for account, standing in standings.items():
        found.setdefault(standing.band, []).append(account)
    return {band: tuple(accounts) for band, accounts in found.items()}


def _not(held: bool | None) -> bool | None:
    return None if held is None else not held


def _all(parts: Iterable[bool | None]) -> bool | None:
    """False if one part is; otherwise None if one part is not known."""
    found = list(parts)
    if False in found:
        return False
    return None if None in found else True


def _meets(wanted: Condition | tuple[str, ...], known: Known) -> bool | None:
    if known is None or known != known:
        return None
    if isinstance(wanted, tuple):
        return any(_equal(one, known) for one in wanted)
    if isinstance(wanted, Range):
        if isinstance(known, str | bool):
            return None
        return (wanted.at_least is None or known >= wanted.at_least) and (wanted.below is None or known < wanted.below)
    return _equal(wanted, known)


def _equal(wanted: bool | float | str, known: str | float | bool | Decimal) -> bool:
    # `true` and 1 are the same to Python and not to the reader of a rule.
    return isinstance(wanted, bool) == isinstance(known, bool) and wanted == known
