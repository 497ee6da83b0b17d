"""The mapping: published as versions, and put into force by deriving the log anew.

A publish writes a version and nothing else. The next turn of the worker, or the command that publishes, derives the
log; then everything is scored anew. Nobody is contacted by it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import transaction

from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.facts.event_map import EMPTY, EventMap, MappedName, load_event_map
from keepwell.facts.event_map_text import with_entry, without_entry
from keepwell.jobs.audit import record_act
from keepwell.jobs.catalogue import read_catalogue
from keepwell.jobs.dictionary import LONG_AFTER, read_dictionaries
from keepwell.jobs.meaning import NamedRule, learn_rules, rules_of, stored_rules
from keepwell.jobs.project import do_project_accounts
from keepwell.lake.log import EventLog
from keepwell.store.models import Derivation, EventName, MappingVersion

NOUN: Final = "mapping"


@dataclass(frozen=True, slots=True)
class Published:
    """`is_new` is false where the text is that of the newest version already."""

    version: MappingVersion
    is_new: bool


def read_map_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"There is no file {path}. Name the file that holds the mapping.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 (byte {error.start}). Save the file as UTF-8.") from error


def newest_mapping() -> MappingVersion | None:
    return MappingVersion.objects.order_by("-number").first()


def check_mapping(home: Home, file: str, text: str) -> EventMap:
    """The mapping of a text, or a PackageError with everything that is wrong in it."""
    return load_event_map(file, text, read_catalogue(home)).map


def rules_wanted(home: Home, text: str | None = None) -> list[NamedRule]:
    """The rules of a text, else of the newest version, with the aliases of the installed packages.

    An entry whose event no package has any more, or that cannot be read with today's catalogue, is left out.
    """
    catalogue = read_catalogue(home)
    event_map = load_event_map(home.mapping.name, newest_text() if text is None else text, None).map
    kept = [entry for entry in event_map.events if entry.means is None or entry.means in catalogue.events]
    return rules_of(EventMap(events=tuple(kept)), catalogue)


def do_publish_mapping(home: Home, file: str, text: str, *, note: str, by: str, now: datetime) -> Published:
    """Make a text the newest version, and copy it into the home; one with errors is refused whole."""
    event_map = check_mapping(home, file, text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    with transaction.atomic():
        newest = newest_mapping()
        if newest is not None and newest.digest == digest:
            return Published(newest, is_new=False)
        number = newest.number + 1 if newest else 1
        version = MappingVersion.objects.create(
            number=number, digest=digest, text=text, note=note, published_at=now, published_by=by
        )
        told = {"version": number, "digest": digest, "note": note, "entries": len(event_map.events)}
        record_act("mapping_published", NOUN, told, by=by, now=now)
    _write(home.mapping, text)
    return Published(version, is_new=True)


def do_change_mapping(home: Home, entry: MappedName, *, by: str, now: datetime) -> Published:
    """Publish the newest mapping with this entry, in place of the one for the same name and source."""
    text = with_entry(_text_to_change(home), entry)
    return do_publish_mapping(home, home.mapping.name, text, note=f"{entry.name} from the page", by=by, now=now)


def do_remove_mapping(home: Home, name: str, source: str | None, *, by: str, now: datetime) -> Published:
    """Publish the newest mapping without the entry for this name and source."""
    text = without_entry(_text_to_change(home), name, source)
    return do_publish_mapping(home, home.mapping.name, text, note=f"{name} removed on the page", by=by, now=now)


def newest_text() -> str:
    newest = newest_mapping()
    return newest.text if newest else EMPTY


def has_unpublished_changes(home: Home) -> bool:
    """Whether the file in the home was edited since it was published; then nothing must be written over it."""
    if not home.mapping.exists():
        return False
    digest = hashlib.sha256(read_map_file(home.mapping).encode()).hexdigest()
    return not MappingVersion.objects.filter(digest=digest).exists()


def do_derive_history(home: Home, *, by: str, now: datetime) -> bool:
    """Derive the log by the newest mapping and today's aliases, where that changes anything; true when rows changed.

    Readers see the log as it was or as it becomes. Cut off at any point, the next call goes on.
    """
    log = EventLog(home.log)
    if not log.exists():
        return False
    in_force = log.snapshot().mapping
    derivation = _newest_derivation(home, in_force, by=by, now=now)
    if derivation.number == in_force and derivation.applied_at is not None:
        return False
    with log.sealing():
        in_force = log.snapshot().mapping
        if in_force > derivation.number:
            return False
        is_changed = derivation.number == in_force or _apply(log, in_force, derivation)
    if is_changed:
        do_project_accounts(home, None, now=now)
    with transaction.atomic():
        derivation.applied_at, derivation.is_changed = now, is_changed
        derivation.save()
        told = {"derivation": derivation.number, "changed": is_changed}
        mapping = derivation.mapping.number if derivation.mapping else 0
        record_act("history_derived", NOUN, {**told, "version": mapping}, by=by, now=now)
    return is_changed


def _text_to_change(home: Home) -> str:
    if has_unpublished_changes(home):
        raise UserError(
            f"{home.mapping} holds changes that are not published, and a change here would write over them. "
            "Publish the file with 'keepwell mapping publish', or move it away."
        )
    return newest_text()


def _newest_derivation(home: Home, in_force: int, *, by: str, now: datetime) -> Derivation:
    rules = [rule.as_json() for rule in rules_wanted(home)]
    last = Derivation.objects.order_by("-number").first()
    if last is not None and last.rules == rules and last.number >= in_force:
        return last
    number = max(in_force, last.number if last else 0) + 1
    return Derivation.objects.create(number=number, mapping=newest_mapping(), rules=rules, made_at=now)


def _apply(log: EventLog, in_force: int, derivation: Derivation) -> bool:
    """Bring the log to the rules of a derivation; false when no row means anything else by them."""
    before = Derivation.objects.filter(number=in_force).first()
    names = set(EventName.objects.values_list("name", flat=True))
    is_known = (before is not None or not in_force) and not log.lacks_columns()
    if is_known and not _changed_names(stored_rules(before), derivation) & names:
        log.note_mapping(derivation.number)
        return False
    rules, _ = learn_rules(stored_rules(derivation), read_dictionaries())
    _move_first_known(log.first_known(rules), in_force, derivation.number)
    log.derive(rules, derivation.number)
    return True


def _changed_names(before: list[NamedRule], derivation: Derivation) -> set[str]:
    old = {tuple(map(str, rule.as_json())) for rule in before}
    new = {tuple(map(str, rule.as_json())) for rule in stored_rules(derivation)}
    return {told[0] for told in old ^ new}


def _move_first_known(moments: Mapping[int, datetime], in_force: int, number: int) -> None:
    """Note when each name was first known by mapping `number`, and keep what holds for the log until it is in force."""
    with transaction.atomic():
        for row in EventName.objects.all():
            # A mapping that was noted and never came into force leaves what holds in `known_before`.
            holds = row.known_before if row.known_before and row.mapping > in_force else row.first_known_at
            moment = moments.get(row.pk, LONG_AFTER)
            row.first_known_at, row.known_before, row.mapping = moment, holds, number
            row.save()


def _write(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
