"""The weighted mean of other metrics' values.

`of` names the metrics and their weights, above 0. A missing one gives its weight to the rest; the value is missing when
all are. Values are taken as they are, so mix only metrics of the same unit.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import ibis.expr.types as ir
from pydantic import Field, FiniteFloat, StrictStr

from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.events import Events, double, share
from keepwell.metrics.metric import Metric, Parts


class Mix(Metric):
    kind: Literal["mix"] = "mix"
    of: Annotated[Mapping[StrictStr, Annotated[FiniteFloat, Field(gt=0)]], Field(min_length=1)]

    def reads(self) -> tuple[EventFilter, ...]:
        return ()

    def uses(self) -> tuple[str, ...]:
        return tuple(sorted(self.of))

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {}

    def value(self, part: Parts) -> ir.NumericValue:
        weights = {name: double(self.of[name]) for name in self.uses()}
        weighted = [part[name].fill_null(0.0) * weight for name, weight in weights.items()]
        present = [part[name].notnull().ifelse(weight, double(0.0)) for name, weight in weights.items()]
        return share(_added(weighted), _added(present))


def _added(values: list[ir.NumericValue]) -> ir.NumericValue:
    found = values[0]
    for value in values[1:]:
        found = found + value
    return found
