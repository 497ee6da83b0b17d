"""Milestone rules: successes worth celebrating."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StrictStr

from keepwell.base.shape import Name
from keepwell.signals.condition import When
from keepwell.signals.rule import Policies, Rule, Shape


class MilestoneRule(Rule):
    """Reached when `when` begins to hold; with `once` only the first time counts, ever."""

    once: bool = False


class Unwise(Shape):
    """While `when` holds, celebrating would be out of place; `because` says so in a sentence's end."""

    when: When
    because: StrictStr


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
