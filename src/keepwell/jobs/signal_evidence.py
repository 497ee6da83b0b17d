"""What is written down about a signal when it opens: the numbers, the events, and when it happened."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.base.instant import EPOCH
from keepwell.facts.moment import Moment
from keepwell.health.weight import NANO
from keepwell.lake.evidence import Witness, newest_events, newest_since
from keepwell.lake.log import EventLog
from keepwell.signals.book import SignalBook
from keepwell.signals.condition import When
from keepwell.signals.panel import Panel
from keepwell.signals.truth import YES
from keepwell.store.models import Account, EventName, ModelVersion
from keepwell.store.read.dictionary import name_codes

EVENTS_SHOWN: Final = 5
# Accounts with news are looked at within this, so what made something hold came in so long before at most.
SPELL: Final = timedelta(minutes=15)

Evidence = dict[str, object]


@dataclass(frozen=True, slots=True)
class Scene:
    """One look: the rules, what they were asked about, and the accounts as the state knows them.

    `last` says when accounts were last looked at before.
    """

    home: Home
    book: SignalBook
    version: ModelVersion
    panel: Panel
    accounts: Mapping[int, Account]
    calendar: Calendar
    last: Mapping[int, datetime]

    @property
    def package(self) -> str:
        return self.book.package.id

    def evidence(self, when: When, rows: Sequence[int]) -> dict[int, Evidence]:
        """By row of the panel, what made the condition hold: numbers with their limits, and the newest events."""
        titles = {name: metric.title for name, metric in self.book.package.metrics.items()}
        filters = [wanted for condition in when.walk() for wanted in condition.reads()]
        accounts = [int(self.panel.accounts[row]) for row in rows]
        log, moment = EventLog(self.home.log), Moment.at(self.panel.as_of)
        events = newest_events(log, filters, name_codes(), accounts, moment, most=EVENTS_SHOWN)
        names = dict(EventName.objects.values_list("pk", "name")) if events else {}
        return {
            row: {
                "score": int(self.panel.nano_points[row]) / NANO if self.panel.has_score[row] else None,
                "band": self.panel.bands[int(self.panel.band[row])] if self.panel.band[row] >= 0 else "",
                "lines": [asdict(line) for line in when.lines(self.panel, row, titles)],
                "events": [_told(event, names) for event in events.get(account, ())],
            }
            for row, account in zip(rows, accounts, strict=True)
        }

    def happened_at(self, when: When, begun: Mapping[int, datetime]) -> dict[int, datetime]:
        """By row of the panel, when the newest thing happened that the condition tells of.

        `begun` says when a look first found it to hold. Where no condition names a moment, it is that of the newest
        event that may have made it hold and had come in since the look before; without one, nothing but time did.
        """
        days = np.full(len(self.panel), np.nan)
        for condition in when.walk():
            told = condition.happened_days(self.panel)
            if told is not None:
                is_told = (condition.truth(self.panel) == YES) & (told >= 0)
                days = np.fmin(days, np.where(is_told, told, np.nan))
        rows = {row: int(self.panel.accounts[row]) for row in begun}
        rest = {rows[row]: self._news_from(rows[row], at) for row, at in begun.items() if days[row] != days[row]}
        movers = self.book.movers(when) if rest else ()
        newest = newest_since(EventLog(self.home.log), movers, name_codes(), rest, Moment.at(self.panel.as_of))
        return {
            row: newest.get(rows[row], at)
            if days[row] != days[row]
            else self.panel.as_of - timedelta(days=float(days[row]))
            for row, at in begun.items()
        }

    def _news_from(self, account: int, begun: datetime) -> datetime:
        """What came in from then on may have made it hold; before a first look it may be anything."""
        last = self.last.get(account, EPOCH)
        return last if last < begun == self.panel.as_of else begun - SPELL


def _told(event: Witness, names: Mapping[int, str]) -> Evidence:
    return {
        "name": names.get(event.name, ""),
        "at": event.at.isoformat(),
        "source": event.source,
        "message_id": event.message_id,
        "props": dict(event.props),
    }
