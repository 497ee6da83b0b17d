"""Days since the account's first such event, with the part of the day as a fraction.

It is missing for an account where it never happened.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir

from keepwell.metrics.events import Events, days, oldest_age
from keepwell.metrics.metric import EventMetric, Parts


class Tenure(EventMetric):
    kind: Literal["tenure"] = "tenure"

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {"oldest": oldest_age(events.matching(self.filter()), events)}

    def value(self, part: Parts) -> ir.NumericValue:
        return days(part["oldest"])
