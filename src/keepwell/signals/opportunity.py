"""Opportunity rules: signs that an account may grow, each with what it may be worth."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StrictStr

from keepwell.base.registry import OneOf
from keepwell.base.shape import Name
from keepwell.facts.notice import Tell
from keepwell.metrics.event_filter import EventFilter
from keepwell.signals.condition import When
from keepwell.signals.rule import Policies, Rule, Shape
from keepwell.signals.worth import Worth

Urgency = Literal["high", "medium", "low"]
URGENCIES: tuple[Urgency, ...] = ("high", "medium", "low")


class OpportunityRule(Rule):
    """`confidence` is what is assumed (0 to 1) until enough opportunities of the rule were won or lost."""

    type: Annotated[str, Field(strict=True, pattern=r"^[A-Z][A-Z0-9_]*$", max_length=64)]
    urgency: Urgency
    tell: Tell = "daily"
    worth: Annotated[Worth, OneOf("keepwell.signals.worths", Worth)]
    recommend: Annotated[str, Field(strict=True, pattern=r"^[A-Z][A-Z0-9_]*$", max_length=64)]
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Blocked(Shape):
    """While `when` holds, nobody offers the account more; `because` says so in a sentence's end."""

    when: When
    because: StrictStr


class OpportunitiesFile(Shape):
    """`value` says what several signals on one account are worth together."""

    policies: Policies = Field(default={})
    value: Literal["largest", "sum"] = "largest"
    blocked: Mapping[Name, Blocked] = Field(default={})
    won: Annotated[tuple[EventFilter, ...], Field(min_length=1)]
    contacted: tuple[EventFilter, ...] = ()
    opportunities: Annotated[Mapping[Name, OpportunityRule], Field(min_length=1)]
