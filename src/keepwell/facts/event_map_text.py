"""Changing one entry of a mapping's text; everything else in it, comments included, stays as it is."""

import json
from collections.abc import Iterable, Sequence

from keepwell.base.yaml_source import YamlSource
from keepwell.facts.event_map import FILE, EventMap, MappedName, load_event_map


def with_entry(text: str, entry: MappedName) -> str:
    """The text with this entry, in place of the one for the same name and source."""
    return _edited(text, entry.name, entry.source, entry)


def without_entry(text: str, name: str, source: str | None) -> str:
    """The text without the entry for this name and source; unchanged where there is none."""
    return _edited(text, name, source, None)


def _edited(text: str, name: str, source: str | None, entry: MappedName | None) -> str:
    loaded = load_event_map(FILE, text, None)
    entries = list(loaded.map.events)
    place = next((n for n, one in enumerate(entries) if (one.name, one.source) == (name, source)), None)
    if place is None and entry is None:
        return text
    if place is None:
        entries.append(entry)  # type: ignore[arg-type]  # one of them is there
    else:
        entries[place : place + 1] = [entry] if entry else []
    edited = _spliced(text, loaded.source, place, entry, len(loaded.map.events))
    wanted = EventMap(events=tuple(entries))
    # A file that is laid out in another way than ours is written anew.
    return edited if _means(edited, wanted) else _whole(wanted)


def _spliced(text: str, source: YamlSource, place: int | None, entry: MappedName | None, entries: int) -> str:
    lines = text.splitlines()
    if not entries:
        line = source.line(("events",)) - 1
        return "\n".join([*lines[:line], "events:", *_lines(entry, 2), *lines[line + 1 :]]) + "\n"
    indent = len(lines[source.line(("events", 0)) - 1].partition("-")[0])
    if place is None:
        last = source.place(("events", entries - 1)).last_line
        return "\n".join([*lines[:last], *_lines(entry, indent), *lines[last:]]) + "\n"
    there = source.place(("events", place))
    rest = lines[: there.line - 1], lines[there.last_line :]
    kept = _lines(entry, indent)
    if not kept and entries == 1:
        line = source.line(("events",)) - 1
        return "\n".join([*lines[:line], "events: []", *lines[line + 1 : there.line - 1], *rest[1]]) + "\n"
    return "\n".join([*rest[0], *kept, *rest[1]]) + "\n"


def _means(text: str, wanted: EventMap) -> bool:
    try:
        return load_event_map(FILE, text, None).map == wanted
    except Exception:  # noqa: BLE001  # whatever is wrong with it, it is not what was wanted
        return False


def _whole(event_map: EventMap) -> str:
    if not event_map.events:
        return "events: []\n"
    return "\n".join(["events:", *(line for entry in event_map.events for line in _lines(entry, 2))]) + "\n"


def _lines(entry: MappedName | None, indent: int) -> list[str]:
    if entry is None:
        return []
    told = [f"name: {_text(entry.name)}"]
    told += [f"source: {_text(entry.source)}"] if entry.source is not None else []
    told.append("ignore: true" if entry.ignore else f"means: {_text(entry.means or '')}")
    for key, values in (("properties", entry.properties), ("constants", entry.constants)):
        told += [f"{key}: {{{_pairs(values.items())}}}"] if values else []
    return [f"{' ' * indent}{'- ' if not place else '  '}{line}" for place, line in enumerate(told)]


def _pairs(items: Iterable[tuple[str, object]]) -> str:
    parts: Sequence[str] = [f"{name}: {_text(value)}" for name, value in items]
    return ", ".join(parts)


def _text(value: object) -> str:
    # JSON is YAML, and no word of it is taken for a number or for true.
    return json.dumps(value, ensure_ascii=False)
