"""What the page of the mapping shows: names nobody mapped, what they may mean, and what a change would do.

Callers have checked that the member may manage.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from keepwell.base.home import Home
from keepwell.facts.catalogue import Catalogue
from keepwell.facts.guess import Guess, guesses, keys_of
from keepwell.jobs.catalogue import read_catalogue
from keepwell.jobs.mapping import rules_wanted
from keepwell.jobs.meaning import NamedRule, RuleKey, keyed, rule_for
from keepwell.jobs.package import newest_versions
from keepwell.lake.log import EventLog
from keepwell.lake.name_count import NameCount, name_counts, sent_properties
from keepwell.store.models import Derivation, EventName
from keepwell.store.read.package import model_of

RECENT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SentName:
    """A name as one source sends it. `example` is what one such event carried; `keys` are the properties of several.

    `is_kept_out` where it has a meaning, which these events cannot have because of the key they came with.
    """

    name: str
    source: str
    events: int
    recent: int
    first_at: datetime
    last_at: datetime
    keys: tuple[str, ...]
    example: Mapping[str, object]
    guesses: tuple[Guess, ...]
    means: str | None
    is_kept_out: bool = False


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Names that no metric can see, most often sent first, and how many there are in all."""

    names: tuple[SentName, ...]
    total: int
    events: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A metric of a model that would see events it does not see now, or no longer see some."""

    model: str
    metric: str
    gains: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a mapping would change: `events` of the log, `kept_out` of them because their key may be seen by anybody."""

    events: int
    kept_out: int
    changes: tuple[tuple[str, str, str, int], ...]
    metrics: tuple[Seen, ...]


def unmapped_names(home: Home, *, now: datetime, shown: int) -> Unmapped:
    """Names that mean no event of the catalogue and are not ignored, also by the mapping that is published last."""
    catalogue, rules = read_catalogue(home), keyed(rules_wanted(home))
    names = _names()
    rows = []
    for count in name_counts(EventLog(home.log), now - RECENT):
        sent = names.get(count.sent, "")
        means = _meant(rules, sent, count)
        if means is not None and means not in catalogue.events:
            rows.append(count)
    rows.sort(key=lambda count: (-count.recent, -count.events, count.sent, count.source))
    found = [
        replace(
            _sent_name(count, names, catalogue, None),
            is_kept_out=count.untrusted
            and _meant(rules, names.get(count.sent, ""), count, untrusted=False) in catalogue.events,
        )
        for count in rows[:shown]
    ]
    return Unmapped(tuple(found), len(rows), sum(count.events for count in rows))


def sent_name(home: Home, name: str, source: str | None, *, now: datetime) -> SentName | None:
    """One name as one source sends it, or as all do together; None where it was never sent."""
    catalogue, rules, names = read_catalogue(home), keyed(rules_wanted(home)), _names()
    counts = [
        count
        for count in name_counts(EventLog(home.log), now - RECENT)
        if names.get(count.sent) == name and source in (None, count.source)
    ]
    if not counts:
        return None
    together = NameCount(
        sent=counts[0].sent,
        source=source or ", ".join(dict.fromkeys(count.source for count in counts)),
        untrusted=False,
        name=counts[0].name,
        events=sum(count.events for count in counts),
        recent=sum(count.recent for count in counts),
        first_at=min(count.first_at for count in counts),
        last_at=max(count.last_at for count in counts),
        newest=tuple(place for count in counts for place in count.newest),
    )
    return _sent_name(together, names, catalogue, _meant(rules, name, counts[0]))


def preview_mapping(home: Home, text: str, *, now: datetime) -> Preview:
    """What publishing this text would change, held against the newest version that is published."""
    wanted, names = keyed(rules_wanted(home, text)), _names()
    published = keyed(rules_wanted(home))
    events = kept_out = 0
    changes: dict[tuple[str, str, str], int] = defaultdict(int)
    for count in name_counts(EventLog(home.log), now - RECENT):
        sent = names.get(count.sent, "")
        before, after = _effect(published, sent, count), _effect(wanted, sent, count)
        if count.untrusted and _meant(wanted, sent, count, untrusted=False) != after[0]:
            kept_out += count.events if before != _effect(wanted, sent, count, untrusted=False) else 0
        if before != after:
            events += count.events
            changes[sent, before[0] or "", after[0] or ""] += count.events
    lost = {before for _, before, after in changes if before != after}
    gained = {after for _, _, after in changes}
    listed = tuple((*told, number) for told, number in sorted(changes.items(), key=lambda one: (-one[1], one[0])))
    return Preview(events, kept_out, listed, tuple(_metrics(gained, lost)))


def is_in_force(home: Home) -> bool:
    """Whether the log is derived by the newest mapping; false until the worker's next turn."""
    number = EventLog(home.log).snapshot().mapping
    derivation = Derivation.objects.filter(number=number).first()
    return derivation is not None and derivation.rules == [rule.as_json() for rule in rules_wanted(home)]


def _names() -> dict[int, str]:
    return dict(EventName.objects.values_list("pk", "name"))


def _meant(
    rules: Mapping[RuleKey, NamedRule], sent: str, count: NameCount, *, untrusted: bool | None = None
) -> str | None:
    """The name that these events mean, None when they are ignored."""
    return _effect(rules, sent, count, untrusted=untrusted)[0]


def _effect(
    rules: Mapping[RuleKey, NamedRule], sent: str, count: NameCount, *, untrusted: bool | None = None
) -> tuple[str | None, object, object, bool]:
    is_open = count.untrusted if untrusted is None else untrusted
    rule = rule_for(rules, sent, count.source, untrusted=is_open)
    if rule is None:
        return sent, {}, {}, False
    return rule.means, dict(rule.properties), dict(rule.constants), rule.is_whole


def _sent_name(count: NameCount, names: Mapping[int, str], catalogue: Catalogue, means: str | None) -> SentName:
    told = [json.loads(text) for text in sent_properties(count.newest).values() if text]
    keys = keys_of(told)
    name = names.get(count.sent, "")
    return SentName(
        name=name,
        source=count.source,
        events=count.events,
        recent=count.recent,
        first_at=count.first_at,
        last_at=count.last_at,
        keys=tuple(sorted(keys)),
        example=told[0] if told else {},
        guesses=tuple(guesses(name, keys, catalogue)),
        means=means,
    )


def _metrics(gained: set[str], lost: set[str]) -> list[Seen]:
    found = []
    for version in newest_versions():
        package, model = model_of(version)
        for name in model.metrics():
            metric = package.metrics[name]
            read = {event for wanted in metric.reads() for event in wanted.events}
            if read & (gained | lost):
                found.append(Seen(model.title, metric.title, bool(read & gained)))
    return found
