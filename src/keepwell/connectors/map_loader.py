"""Loading an import map and holding every name in it against the file and the catalogue, all problems at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from keepwell.base.errors import PackageError, Problem, nearest
from keepwell.connectors.condition import Condition, Place
from keepwell.connectors.import_map import (
    CsvDialect,
    EventFrom,
    ImportMap,
    NameFrom,
    NumberStyle,
    PropertyFrom,
    TextFrom,
    TimeFrom,
)
from keepwell.connectors.map_source import MapSource, read_source
from keepwell.facts.catalogue import Catalogue

STANDARD: Final = Path(__file__).parent / "maps" / "events.yaml"
_SHAPES: Final = (ImportMap, EventFrom, NameFrom, TextFrom, TimeFrom, PropertyFrom, Condition, CsvDialect, NumberStyle)
_KEYS: Final = sorted({field.alias or name for shape in _SHAPES for name, field in shape.model_fields.items()})


@dataclass(frozen=True, slots=True)
class LoadedMap:
    """A map whose shape is right, and where each part of it stands."""

    map: ImportMap
    source: MapSource
    problems: tuple[Problem, ...] = ()
    """Keys that the shape does not know; the map is the rest. Reported together with wrong names."""


def load_map(path: Path) -> LoadedMap:
    """Raises PackageError when the map has no readable shape; unknown keys are kept for `check_map` to report too."""
    source = read_source(path)
    try:
        return LoadedMap(ImportMap.model_validate(source.data), source)
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems = tuple(_problem(source, detail) for detail in details)
    if all(detail["type"] == "extra_forbidden" for detail in details):
        rest = _without(source.data, [detail["loc"] for detail in details])
        try:
            return LoadedMap(ImportMap.model_validate(rest), source, problems)
        except ValidationError:
            pass
    raise PackageError(problems)


def check_map(loaded: LoadedMap, columns: Sequence[str] | None, catalogue: Catalogue) -> dict[tuple[int, str], str]:
    """The type of every property by (event, property); raises PackageError with all wrong names.

    `columns` are those of the file, None when its rows name their own.
    """
    types: dict[tuple[int, str], str] = {}
    problems = [*loaded.problems, *_wrong_columns(loaded, columns)]
    for index, event in enumerate(loaded.map.events):
        place: Place = ("events", index)
        unknown = list(_wrong_names(loaded.source, place, event, catalogue))
        problems += unknown
        declared = _declared(event.name, catalogue)
        for name, source in event.properties.items():
            found = _type_of(loaded.source, (*place, "properties", name), name, source, declared)
            if isinstance(found, Problem):
                # Whether an unknown event has a property cannot be said.
                problems += [] if unknown else [found]
            else:
                types[index, name] = found
                problems += _wrong_values(loaded.source, (*place, "properties", name), source, found)
        problems += _wrong_formats(loaded.source, place, event)
    problems += _repeated_labels(loaded)
    if problems:
        raise PackageError(list(dict.fromkeys(problems)))
    return types


def standard_map(columns: Sequence[str] | None) -> LoadedMap:
    """The map of files that keep to the usual column names; parts of it whose column is not there are left out."""
    loaded = load_map(STANDARD)
    if columns is None:
        return loaded
    changes: dict[str, object] = {}
    for field in ("contact", "message_id"):
        source: TextFrom | None = getattr(loaded.map, field)
        if source is not None and source.column not in columns:
            changes[field] = None
    (event,) = loaded.map.events
    if event.properties_from not in columns:
        changes["events"] = [event.model_copy(update={"properties_from": None})]
    return LoadedMap(loaded.map.model_copy(update=changes), loaded.source)


def _wrong_columns(loaded: LoadedMap, columns: Sequence[str] | None) -> Iterator[Problem]:
    if columns is None:
        return
    repeated = {column for column in columns if list(columns).count(column) > 1}
    uses = [*loaded.map.column_uses(), *((("columns", i), column) for i, column in enumerate(loaded.map.columns))]
    for place, column in uses:
        line = loaded.source.line(place)
        if column not in columns:
            hint = nearest(column, columns) or f" It has: {', '.join(columns)}."
            yield Problem(loaded.source.file, line, f"the file has no column {column!r}.{hint}")
        elif column in repeated:
            yield Problem(
                loaded.source.file, line, f"the file has more than one column {column!r}; rename one of them."
            )


def _wrong_names(source: MapSource, place: Place, event: EventFrom, catalogue: Catalogue) -> Iterator[Problem]:
    names: list[tuple[Place, str]] = [((*place, "name", "values", word), n) for word, n in event.name.values.items()]
    if event.name.constant is not None:
        names.append(((*place, "name"), event.name.constant))
    for where, name in names:
        if name not in catalogue.names():
            hint = nearest(name, list(catalogue.names()))
            yield Problem(source.file, source.line(where), f"no catalogue knows the event {name!r}.{hint}")


def _declared(name: NameFrom, catalogue: Catalogue) -> dict[str, str]:
    """Properties of every event that the entry can become."""
    own = catalogue.names()
    names = [*name.values.values()]
    if name.constant is not None:
        names = [name.constant]
    elif not name.values or name.otherwise == "keep":
        names = [*catalogue.events]
    found = [catalogue.events[own[one]] for one in names if one in own]
    return {prop: declared.type for event in found for prop, declared in event.properties.items()}


def _type_of(
    source: MapSource, place: Place, name: str, prop: PropertyFrom, declared: Mapping[str, str]
) -> str | Problem:
    line = source.line(place)
    if prop.undeclared:
        if name in declared:
            return Problem(source.file, line, f"the property {name!r} is declared; take `undeclared` away.")
        return prop.type or Problem(source.file, line, f"the undeclared property {name!r} needs a type.")
    if name not in declared:
        hint = nearest(name, list(declared))
        ways = (
            hint or " Declare it in a catalogue, or say `undeclared: true` and its type to keep it unread by metrics."
        )
        return Problem(source.file, line, f"the event has no property {name!r}.{ways}")
    if prop.type is not None and prop.type != declared[name]:
        sentence = f"the property {name!r} is a {declared[name]} in the catalogue, not a {prop.type}."
        return Problem(source.file, source.line((*place, "type")), sentence)
    return declared[name]


def _wrong_values(source: MapSource, place: Place, prop: PropertyFrom, kind: str) -> Iterator[Problem]:
    expected = {"number": (float,), "text": (str,), "boolean": (bool,), "time": (str,)}[kind]
    given: list[tuple[Place, object]] = [((*place, "values", word), value) for word, value in prop.values.items()]
    if prop.constant is not None:
        given.append(((*place, "constant"), prop.constant))
    for where, value in given:
        if value is not None and type(value) not in expected:
            yield Problem(source.file, source.line(where), f"{value!r} is not a {kind}, which this property is.")
    converts = prop.factor != 1 or prop.divide_by != 1 or prop.offset != 0
    if converts and kind != "number":
        yield Problem(source.file, source.line(place), f"only a number can be converted; this property is a {kind}.")


def _wrong_formats(source: MapSource, place: Place, event: EventFrom) -> Iterator[Problem]:
    given = [((*place, "time", "formats"), event.time.formats)]
    given += [((*place, "properties", name, "formats"), prop.formats) for name, prop in event.properties.items()]
    patterns = [(where, pattern) for where, formats in given for pattern in formats if "%" in pattern]
    if not patterns:
        return
    with duckdb.connect() as database:
        for where, pattern in patterns:
            try:
                database.execute("SELECT try_strptime('', ?)", [pattern]).fetchall()
            except duckdb.Error as error:
                reason = str(error).splitlines()[0].partition(": ")[2]
                yield Problem(source.file, source.line(where), f"{pattern!r} is not a pattern of times: {reason}")


def _repeated_labels(loaded: LoadedMap) -> Iterator[Problem]:
    # Two events of one row with one label would have the same message id.
    seen: set[str] = set()
    for index, event in enumerate(loaded.map.events):
        if event.label in seen and loaded.map.message_id is not None:
            sentence = (
                f"two events are called {event.label!r}; give this one an `id`, so that their message ids differ."
            )
            yield Problem(loaded.source.file, loaded.source.line(("events", index)), sentence)
        seen.add(event.label)


def _problem(source: MapSource, detail: ErrorDetails) -> Problem:
    place = tuple(detail["loc"])
    last = str(place[-1]) if place else "the map"
    line = source.line(place)
    match detail["type"]:
        case "extra_forbidden":
            sentence = f"unknown key {last!r}.{nearest(last, _KEYS)}"
        case "missing":
            sentence = f"{last!r} is missing."
        case "string_type":
            sentence = f"{last!r} must be a text; put {detail['input']!r} in quotes."
        case "model_type" | "model_attributes_type" | "dict_type":
            sentence = f"{last!r} must be a mapping of keys and values."
        case _:
            sentence = f"{last!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
    return Problem(source.file, line, sentence if sentence.endswith((".", "?")) else sentence + ".")


def _without(data: object, places: Sequence[Place], here: Place = ()) -> object:
    if isinstance(data, dict):
        return {key: _without(value, places, (*here, key)) for key, value in data.items() if (*here, key) not in places}
    if isinstance(data, list):
        return [_without(value, places, (*here, index)) for index, value in enumerate(data)]
    return data
