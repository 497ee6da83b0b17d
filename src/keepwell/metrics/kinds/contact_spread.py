"""The share of the events of the last `days` days that came from the busiest contact.

1 means that the account hangs on one person. Events without a contact are left out; it is missing when none has one.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir

from keepwell.metrics.events import CONTACT, Events, share
from keepwell.metrics.metric import Days, EventMetric, Parts, Side


class ContactSpread(EventMetric):
    kind: Literal["contact_spread"] = "contact_spread"
    days: Days

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {}

    def side(self, events: Events) -> Side:
        seen = events.matching(self.filter()) & events.within(self.days)
        contacts = events.per_item(seen, CONTACT)
        return Side(contacts, {"busiest": contacts.uses.max(), "uses": contacts.uses.sum()})

    def value(self, part: Parts) -> ir.NumericValue:
        return share(part["busiest"], part["uses"])
