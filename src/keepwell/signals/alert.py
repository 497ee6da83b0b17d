"""Alert rules: problems that open and close."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from keepwell.base.shape import Name
from keepwell.base.timeline import Timeline
from keepwell.facts.notice import Severity, Tell
from keepwell.signals.condition import When
from keepwell.signals.rule import Policies, Rule, Shape

# How an alert may be closed by a person; `acted` counts for the rule's precision, `false_alarm` against it.
CloseReason = Literal["acted", "false_alarm", "known", "duplicate"]


class AlertRule(Rule):
    """`respond` is the time until the first contact. Opening closes the open alerts of `supersedes`.

    Where `until` holds it is over at once, however long the policy's `clear` is.

    `notify` are roles. `tell` says whether they hear of it at once or in the digest of the day or the week.
    """

    severity: Severity
    notify: tuple[Name, ...] = ("csm",)
    tell: Tell = "at_once"
    respond: Timeline | None = None
    supersedes: tuple[Name, ...] = ()
    until: When | None = None


class AlertsFile(Shape):
    policies: Policies = Field(default={})
    alerts: Annotated[Mapping[Name, AlertRule], Field(min_length=1)]
