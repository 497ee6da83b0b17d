"""What is written down about a signal when it opens: the numbers, the events, and when it happened."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.health.weight import NANO
from keepwell.lake.evidence import Witness, newest_events
from keepwell.lake.log import EventLog
from keepwell.signals.book import SignalBook
from keepwell.signals.condition import When
from keepwell.signals.panel import Panel
from keepwell.store.models import Account, EventName, ModelVersion
from keepwell.store.read.dictionary import name_codes

EVENTS_SHOWN: Final = 5

Evidence = dict[str, object]


@dataclass(frozen=True, slots=True)
class Scene:
    """One look: the rules, what they were asked about, and the accounts as the state knows them."""

    home: Home
    book: SignalBook
    version: ModelVersion
    panel: Panel
    accounts: Mapping[int, Account]
    calendar: Calendar

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

    def happened_at(self, when: When, row: int) -> datetime:
        """When the newest thing that it tells of happened, or else the account's newest event."""
        found: list[float] = []
        for condition in when.walk():
            days = condition.happened_days(self.panel)
            if days is not None and float(days[row]) >= 0:
                found.append(float(days[row]))
        if found:
            return self.panel.as_of - timedelta(days=min(found))
        newest = self.accounts[int(self.panel.accounts[row])].last_event_at
        return self.panel.as_of if newest is None else min(newest, self.panel.as_of)


def _told(event: Witness, names: Mapping[int, str]) -> Evidence:
    return {
        "name": names.get(event.name, ""),
        "at": event.at.isoformat(),
        "source": event.source,
        "message_id": event.message_id,
        "props": dict(event.props),
    }
