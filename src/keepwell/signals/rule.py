"""What alerts, opportunities and milestones have in common."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, StrictStr

from keepwell.base.shape import Name
from keepwell.signals.condition import When
from keepwell.signals.policy import Policy

# Whether people hear of a signal at once or in the digest of the day or the week.
Tell = Literal["at_once", "daily", "weekly"]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Segment(Shape):
    """The accounts that a rule holds for; usable in every other rule."""

    title: StrictStr
    about: StrictStr = ""
    when: When


class Rule(Shape):
    """`when` it holds; `policy` names one of the file's policies, `default` without it.

    `ours` marks a rule that the people who wrote the package defined because nobody else had.
    """

    title: StrictStr
    about: StrictStr = ""
    when: When
    policy: Name = "default"
    action: StrictStr = ""
    ours: bool = False


Policies = Mapping[Name, Policy]
