"""Rules of the mapping: from the file and the catalogue's aliases to what the log derives its rows by.

An event that came with a key anybody may see never means a trusted event, and never tells a guarded trait, whenever it
came and whatever the mapping says.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from keepwell.base.errors import BugError
from keepwell.connectors.trust import TELLING_NAMES, guarded_trait
from keepwell.facts.catalogue import Catalogue
from keepwell.facts.event_map import EventMap, MappedName, is_telling
from keepwell.jobs.dictionary import learn_names
from keepwell.lake.encode import Dictionaries
from keepwell.lake.meaning import IGNORED, Rule
from keepwell.store.models import ApiKey, Derivation, InboxBatch

# The kind of key that sits in browsers and apps.
OPEN_KEY = "ing"
# Name, source (None: any) and whether the rule is for untrusted events.
RuleKey = tuple[str, str | None, bool]


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A `Rule` by names; `means` is None for an event that is ignored."""

    sent: str
    source: str | None
    untrusted: bool
    means: str | None
    properties: Mapping[str, str]
    constants: Mapping[str, bool | float | str]
    is_whole: bool = False

    def as_json(self) -> list[Any]:
        return [
            self.sent, self.source, self.untrusted, self.means,
            dict(self.properties), dict(self.constants), self.is_whole,
        ]  # fmt: skip


def rules_of(event_map: EventMap, catalogue: Catalogue) -> list[NamedRule]:
    """What every name means: as the file says, else as an alias of the catalogue."""
    entries = {(entry.name, entry.source): entry for entry in event_map.events}
    for spelt, own in catalogue.names().items():
        if spelt != own:
            entries.setdefault((spelt, None), MappedName(name=spelt, means=own))
    found = [rule for entry in entries.values() for rule in _rules(entry, catalogue)]
    return sorted(found, key=lambda rule: (rule.sent, rule.source or "", rule.untrusted))


def stored_rules(derivation: Derivation | None) -> list[NamedRule]:
    """The rules of a derivation; none before the first."""
    return [] if derivation is None else [NamedRule(*told) for told in derivation.rules]


def learn_rules(rules: Sequence[NamedRule], held: Dictionaries) -> tuple[list[Rule], Dictionaries]:
    """The rules for the names in the dictionaries, in codes, and the dictionaries with every name these mean."""
    known = set(held.names["key"].to_pylist())
    needed = {rule.means for rule in rules if rule.sent in known and rule.means is not None}
    if needed - known:
        held = learn_names(sorted(needed - known), held)
    ids: dict[str, int] = dict(zip(held.names["key"].to_pylist(), held.names["id"].to_pylist(), strict=True))
    return [_coded(rule, ids) for rule in rules if rule.sent in known], held


def learn_rules_in_force(number: int, held: Dictionaries) -> tuple[list[Rule], Dictionaries]:
    """Those that the rows of the log were derived by; `number` is what the log says."""
    derivation = Derivation.objects.filter(number=number).first()
    if number and derivation is None:
        raise BugError(f"the log was derived by mapping {number}, of which the database knows nothing")
    return learn_rules(stored_rules(derivation), held)


def untrusted_events(batches: Sequence[InboxBatch], sizes: pa.Array) -> pa.Array:
    """For each event of these batches, whether it came with a key that anybody may see; `sizes` repeats the places."""
    keys = {batch.key for batch in batches if batch.key}
    open_keys = set(ApiKey.objects.filter(pk__in=keys, kind=OPEN_KEY).values_list("pk", flat=True))
    return pa.array([batch.key in open_keys and not batch.is_trusted for batch in batches], pa.bool_()).take(sizes)


def keyed(rules: Sequence[NamedRule]) -> dict[RuleKey, NamedRule]:
    """The rules by name, source and whether they are for untrusted events."""
    return {(rule.sent, rule.source, rule.untrusted): rule for rule in rules}


def rule_for(rules: Mapping[RuleKey, NamedRule], sent: str, source: str, *, untrusted: bool) -> NamedRule | None:
    """The rule that an event falls under, as `lake.meaning` finds it."""
    return rules.get((sent, source, untrusted)) or rules.get((sent, None, untrusted))


def guarded_names(
    rules: Sequence[NamedRule], catalogue: Catalogue, source: str
) -> tuple[frozenset[str], frozenset[str]]:
    """Names that mean a trusted event, and names whose properties become traits, when this source sends them."""
    by_name = keyed(rules)
    trusted = {name for name, event in catalogue.events.items() if event.trusted}
    telling = set(TELLING_NAMES)
    for sent in {rule.sent for rule in rules if rule.source in (None, source)}:
        rule = rule_for(by_name, sent, source, untrusted=False)
        event = catalogue.events.get(rule.means or "") if rule else None
        if rule is not None and event is not None and event.trusted:
            trusted.add(sent)
        if rule is not None and is_telling(rule.means or ""):
            telling.add(sent)
    return frozenset(trusted), frozenset(telling)


def _rules(entry: MappedName, catalogue: Catalogue) -> Iterator[NamedRule]:
    plain = NamedRule(entry.name, entry.source, False, entry.means, entry.properties, entry.constants)
    yield plain
    event = catalogue.events.get(entry.means or "")
    if event is not None and event.trusted:
        # It stays what it was sent as; without a rule it would fall under the one of any source.
        yield NamedRule(entry.name, entry.source, True, entry.name, {}, {})
    elif event is not None and is_telling(entry.means or ""):
        yield _without_guarded(entry, sorted(event.properties))
    else:
        yield NamedRule(entry.name, entry.source, True, entry.means, entry.properties, entry.constants)


def _without_guarded(entry: MappedName, declared: Sequence[str]) -> NamedRule:
    """The rule of events whose properties become traits: the door looked at them under the usual spellings only."""
    properties = {name: sent for name, sent in entry.properties.items() if not guarded_trait([name])}
    constants = {name: value for name, value in entry.constants.items() if not guarded_trait([name])}
    is_whole = entry.name not in TELLING_NAMES
    if is_whole:
        taken = {*entry.properties, *entry.properties.values(), *entry.constants}
        properties |= {name: name for name in declared if name not in taken and not guarded_trait([name])}
    return NamedRule(entry.name, entry.source, True, entry.means, properties, constants, is_whole)


def _coded(rule: NamedRule, ids: Mapping[str, int]) -> Rule:
    return Rule(
        sent=ids[rule.sent],
        source=rule.source,
        untrusted=rule.untrusted,
        name=IGNORED if rule.means is None else ids[rule.means],
        properties=tuple(sorted(rule.properties.items())),
        constants=tuple(sorted((name, json.dumps(value)) for name, value in rule.constants.items())),
        is_whole=rule.is_whole,
    )
