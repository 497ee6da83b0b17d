"""Milestone rules: successes worth celebrating."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field, StrictStr

from keepwell.base.shape import Name
from keepwell.signals.condition import When
from keepwell.signals.panel import Panel
from keepwell.signals.rule import Policies, Rule, Shape
from keepwell.signals.truth import YES


class MilestoneRule(Rule):
    """Reached when `when` begins to hold; with `once` only the first time counts, ever."""

    once: bool = False


class Unwise(Shape):
    """While `when` holds, celebrating would be out of place; `because` says so in a sentence's end."""

    when: When
    because: StrictStr


def unwise_reasons(unwise: Mapping[str, Unwise], panel: Panel, rows: Sequence[int]) -> dict[int, list[str]]:
    """By row of the panel, why celebrating would be out of place there; none where nothing speaks against it."""
    truths = [(one.because, one.when.truth(panel)) for one in unwise.values()] if rows else []
    return {row: [because for because, truth in truths if truth[row] == YES] for row in rows}


class Award(Shape):
    """Each month the accounts whose average score rose most over the month before, `places` of them.

    Only accounts with an average of at least `least_score` in the month and a rise of at least `least_rise` points.
    """

    title: StrictStr
    about: StrictStr = ""
    places: Annotated[int, Field(ge=1, le=100, strict=True)] = 3
    least_score: Annotated[float, Field(ge=0, le=100)] = 0.0
    least_rise: Annotated[float, Field(gt=0, le=100)] = 1.0


class MilestonesFile(Shape):
    policies: Policies = Field(default={})
    unwise: Mapping[Name, Unwise] = Field(default={})
    awards: Mapping[Name, Award] = Field(default={})
    milestones: Annotated[Mapping[Name, MilestoneRule], Field(min_length=1)]
