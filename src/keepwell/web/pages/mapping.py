"""The mapping: which names programs send that no metric sees, what they may mean, and saying it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from pydantic import ValidationError

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.facts.event_map import FILE, EventMap, MappedName, load_event_map
from keepwell.facts.event_map_text import with_entry
from keepwell.facts.guess import renamings
from keepwell.jobs.catalogue import read_catalogue
from keepwell.jobs.mapping import (
    Published,
    check_mapping,
    do_change_mapping,
    do_remove_mapping,
    has_unpublished_changes,
    newest_mapping,
    newest_text,
)
from keepwell.jobs.read_mapping import (
    Preview,
    SentName,
    Unmapped,
    is_in_force,
    preview_mapping,
    sent_name,
    unmapped_names,
)
from keepwell.store.models import MappingVersion
from keepwell.store.read.source import manages_sources
from keepwell.web.pages.frame import Choice, EmptyState, member_of

SHOWN: Final = 50
SHOWN_CHANGES: Final = 10
# No event of a catalogue can be called so.
IGNORE: Final = "-"
PROPERTY: Final = "p:"
NO_ACCESS: Final = EmptyState(
    "no_access", "The mapping is not yours to see", "Owners and admins say what event names mean; ask one of them."
)
ALL_CLEAR: Final = EmptyState(
    "all_clear", "Every name has a meaning", "All event names in the log mean an event of a catalogue, or are ignored."
)


@dataclass(frozen=True, slots=True)
class GuessLine:
    event: str
    reasons: str
    href: str


@dataclass(frozen=True, slots=True)
class Line:
    name: SentName
    example: Sequence[tuple[str, str]]
    guesses: Sequence[GuessLine]
    href: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    entry: MappedName
    properties: Sequence[tuple[str, str]]
    href: str


@dataclass(frozen=True, slots=True)
class Context:
    empty: EmptyState | None
    as_of: datetime
    lines: Sequence[Line] = ()
    found: Unmapped | None = None
    entries: Sequence[EntryLine] = ()
    version: MappingVersion | None = None
    is_in_force: bool = True
    is_edited: bool = False


@dataclass(frozen=True, slots=True)
class PropertyLine:
    """A property of the catalogue's event and the ones that are sent, to choose from."""

    name: str
    about: str
    choices: Sequence[Choice]
    is_sent: bool


@dataclass(frozen=True, slots=True)
class NameContext:
    as_of: datetime
    sent: SentName
    example: Sequence[tuple[str, str]]
    guesses: Sequence[GuessLine]
    source: str
    is_any: bool
    to: str
    events: Sequence[Choice]
    properties: Sequence[PropertyLine]
    fields: Sequence[tuple[str, str]]
    preview: Preview | None
    error: str
    is_there: bool


@require_safe
def mapping_page(request: HttpRequest) -> HttpResponse:
    now = SystemClock().now()
    if not manages_sources(member_of(request)):
        return _no_access(request, now)
    home = Home(settings.KEEPWELL.home)
    found = unmapped_names(home, now=now, shown=SHOWN)
    version = newest_mapping()
    page = Context(
        empty=None if found.names else ALL_CLEAR,
        as_of=now,
        lines=[_line(name) for name in found.names],
        found=found,
        entries=[_entry_line(entry) for entry in _current().events],
        version=version,
        is_in_force=is_in_force(home),
        is_edited=has_unpublished_changes(home),
    )
    return render(request, "mapping.html", {"page": page, "here": "mapping"})


@require_safe
def mapped_name_page(request: HttpRequest) -> HttpResponse:
    """One name: its meaning is chosen, and what that would change is shown, before anything is published."""
    now = SystemClock().now()
    if not manages_sources(member_of(request)):
        return _no_access(request, now)
    home, name, source = Home(settings.KEEPWELL.home), request.GET.get("name", ""), request.GET.get("source", "")
    sent = sent_name(home, name, source or None, now=now)
    if sent is None:
        raise Http404
    page = _name_context(home, request.GET, sent, source, now)
    return render(request, "mapped_name.html", {"page": page, "here": "mapping"})


@require_POST
def publish_name(request: HttpRequest) -> HttpResponse:
    member = member_of(request)
    if not manages_sources(member):
        raise Http404
    home, now = Home(settings.KEEPWELL.home), SystemClock().now()
    try:
        published = do_change_mapping(home, _entry(request.POST, _current()), by=member.email, now=now)
    except (UserError, ValidationError) as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('mapped_name')}?{_asked(request.POST)}")
    messages.success(request, _said(published))
    return redirect("mapping")


@require_POST
def remove_name(request: HttpRequest) -> HttpResponse:
    member = member_of(request)
    if not manages_sources(member):
        raise Http404
    home, now = Home(settings.KEEPWELL.home), SystemClock().now()
    try:
        published = do_remove_mapping(
            home, request.POST.get("name", ""), request.POST.get("source") or None, by=member.email, now=now
        )
    except UserError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _said(published))
    return redirect("mapping")


def _no_access(request: HttpRequest, now: datetime) -> HttpResponse:
    return render(request, "mapping.html", {"page": Context(NO_ACCESS, now), "here": "mapping"}, status=403)


def _said(published: Published) -> str:
    if not published.is_new:
        return f"Nothing changed: mapping version {published.version.number} stays."
    return (
        f"Mapping version {published.version.number} is published. The worker derives the history by it in its next "
        "turn and scores all accounts anew. Nobody is contacted by it."
    )


def _current() -> EventMap:
    return load_event_map(FILE, newest_text(), None).map


def _line(sent: SentName) -> Line:
    return Line(sent, _worded(sent.example), _guesses(sent, sent.source), _href(sent.name, sent.source))


def _entry_line(entry: MappedName) -> EntryLine:
    told = [*entry.properties.items(), *((name, _text(value)) for name, value in entry.constants.items())]
    to = IGNORE if entry.ignore else entry.means or ""
    return EntryLine(entry, told, _href(entry.name, entry.source or "", to))


def _guesses(sent: SentName, source: str) -> list[GuessLine]:
    return [
        GuessLine(guess.event, ", ".join(guess.reasons), _href(sent.name, source, guess.event))
        for guess in sent.guesses
    ]


def _href(name: str, source: str, to: str = "") -> str:
    query = {"name": name, "source": source, "to": to}
    return f"{reverse('mapped_name')}?{urlencode({key: value for key, value in query.items() if value})}"


def _name_context(home: Home, query: QueryDict, sent: SentName, source: str, now: datetime) -> NameContext:
    catalogue, current = read_catalogue(home), _current()
    to = query.get("to", "")
    to = to if to in catalogue.events or to == IGNORE else ""
    is_any = query.get("scope", "any") == "any" or not source
    chosen = _chosen(
        query, current, sent, renamings(set(sent.keys), catalogue.events[to]) if to in catalogue.events else {}
    )
    fields = [("name", sent.name), ("source", source), ("scope", "any" if is_any else "one"), ("to", to), ("for", to)]
    fields += [(PROPERTY + name, key) for name, key in chosen.items()]
    preview, error = None, ""
    if to:
        told = QueryDict(urlencode(fields))
        try:
            text = with_entry(newest_text(), _entry(told, current))
            check_mapping(home, FILE, text)
            preview = preview_mapping(home, text, now=now)
        except (UserError, ValidationError) as found:
            error = str(found)
    return NameContext(
        as_of=now,
        sent=sent,
        example=_worded(sent.example),
        guesses=_guesses(sent, source),
        source=source,
        is_any=is_any,
        to=to,
        events=[
            Choice(name, f"{event.title} ({name})", name == to) for name, event in sorted(catalogue.events.items())
        ],
        properties=[
            PropertyLine(
                name,
                declared.about,
                [Choice(key, key, chosen.get(name) == key) for key in sent.keys if key != name],
                name in sent.keys,
            )
            for name, declared in (catalogue.events[to].properties.items() if to in catalogue.events else ())
        ],
        fields=fields,
        preview=preview,
        error=error,
        is_there=any(entry.name == sent.name for entry in current.events),
    )


def _chosen(query: QueryDict, current: EventMap, sent: SentName, likely: Mapping[str, str]) -> Mapping[str, str]:
    """Properties and the ones they are sent as: as asked, else as mapped now, else as they sound."""
    to = query.get("to", "")
    if query.get("for") == to:
        return {
            key.removeprefix(PROPERTY): str(value) for key, value in query.items() if key.startswith(PROPERTY) and value
        }
    there = _there(current, sent.name, query)
    return there.properties if there is not None and there.means == to else likely


def _there(current: EventMap, name: str, query: QueryDict) -> MappedName | None:
    source = query.get("source") if query.get("scope") == "one" else None
    return next((entry for entry in current.events if (entry.name, entry.source) == (name, source)), None)


def _entry(told: QueryDict, current: EventMap) -> MappedName:
    """The entry that a form says; constants, which the form does not show, stay while the event stays."""
    name, to = told.get("name", ""), told.get("to", "")
    source = told.get("source") if told.get("scope") == "one" else None
    if to == IGNORE:
        return MappedName(name=name, source=source, ignore=True)
    there = _there(current, name, told)
    properties = {
        key.removeprefix(PROPERTY): str(value) for key, value in told.items() if key.startswith(PROPERTY) and value
    }
    return MappedName(
        name=name,
        source=source,
        means=to,
        properties=properties,
        constants=there.constants if there is not None and there.means == to else {},
    )


def _asked(told: QueryDict) -> str:
    return urlencode([(key, value) for key, value in told.items() if key != "csrfmiddlewaretoken"])


def _worded(example: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(name, _text(value)) for name, value in example.items()]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
