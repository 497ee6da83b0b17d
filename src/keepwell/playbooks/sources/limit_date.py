"""When the use of 30 days reaches what the plan includes, if it goes on as in the last 30 days.

`metric` is one of kind `share_of_limit`. The use of its days is set against that of as many days before, and the
difference carried on in a straight line. Missing where use does not grow, where the limit is reached already, where it
would be further away than `horizon_days`, and where fewer than `at_least` events told of the use before.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from math import ceil
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from keepwell.base.shape import Name
from keepwell.base.wall_time import local_time
from keepwell.metrics.kinds.change import Change
from keepwell.metrics.kinds.share_of_limit import ShareOfLimit
from keepwell.playbooks.field_facts import Ask, FieldFacts
from keepwell.playbooks.field_source import FieldSource, SourcePackage, metric_of, metric_problem
from keepwell.playbooks.template_field import FieldType, Value
from keepwell.playbooks.template_filter import percent


class LimitDate(FieldSource):
    kind: Literal["limit_date"] = "limit_date"
    metric: Name
    horizon_days: Annotated[int, Field(ge=1, le=366, strict=True)] = 92
    at_least: Annotated[int, Field(ge=1, strict=True)] = 10

    gives: ClassVar[Sequence[FieldType]] = ("date",)

    def problems(self, package: SourcePackage) -> Iterator[str]:
        yield from metric_problem(package, self.metric, ShareOfLimit, "share_of_limit")

    def ask(self, package: SourcePackage) -> Ask:
        metric = metric_of(package, self.metric, ShareOfLimit)
        growth = Change(
            title=metric.title,
            unit="percent_change",
            better="middle",
            events=metric.usage.events,
            where=metric.usage.where,
            property=metric.usage.property,
            measure="count" if metric.usage.property is None else "sum",
            days=metric.days,
            minimum=self.at_least,
        )
        return Ask(metrics={"share": metric, "growth": growth})

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        share, growth = facts.values.get("share"), facts.values.get("growth")
        if share is None or growth is None or growth <= 0 or not 0 < share < 1:
            return None
        days = metric_of(package, self.metric, ShareOfLimit).days
        risen = share - share / (1 + growth)
        left = (1 - share) * days / risen
        if left > self.horizon_days:
            return None
        return local_time(facts.now + timedelta(days=ceil(round(left, 6))), facts.zone).date().isoformat()

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        days = metric_of(package, self.metric, ShareOfLimit).days
        grown = percent(facts.values["growth"])
        return f"use of the last {days} days, {grown} above the {days} days before, carried on in a straight line"
