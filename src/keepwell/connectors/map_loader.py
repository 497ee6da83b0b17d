"""Loading an import map and holding every name in it against the file and the catalogue, all problems at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from keepwell.base.errors import PackageError, Problem, nearest
from keepwell.base.shape import read_shape
from keepwell.base.yaml_source import Yaml, YamlSource, read_yaml
from keepwell.connectors.condition import Place
from keepwell.connectors.import_map import (
    EventFrom,
    ImportMap,
    NameFrom,
    PropertyFrom,
    TextFrom,
)
from keepwell.facts.catalogue import Catalogue

STANDARD: Final = Path(__file__).parent / "maps" / "events.yaml"


@dataclass(frozen=True, slots=True)
class LoadedMap:
    """A map whose shape is right, and where each part of it stands."""

    map: ImportMap
    source: YamlSource
    problems: tuple[Problem, ...] = ()
    """What was left out of the map because it could not be read; told together with wrong names."""


def load_map(path: Path) -> LoadedMap:
    """Raises PackageError when too much is wrong to go on; else `check_map` tells it together with wrong names."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PackageError([Problem(str(path), 1, "the file is not UTF-8 text; save it as UTF-8.")]) from None
    source = read_yaml(str(path), text)
    if source.problems:
        raise PackageError(source.problems)
    found, problems, places = read_shape(ImportMap, source)
    if found is None:
        found, _, _ = read_shape(ImportMap, source, data=_without(source.data, places))
    if found is None:
        raise PackageError(problems)
    return LoadedMap(found, source, problems)


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


def _wrong_names(source: YamlSource, place: Place, event: EventFrom, catalogue: Catalogue) -> Iterator[Problem]:
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
    source: YamlSource, place: Place, name: str, prop: PropertyFrom, declared: Mapping[str, str]
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


def _wrong_values(source: YamlSource, place: Place, prop: PropertyFrom, kind: str) -> Iterator[Problem]:
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


def _wrong_formats(source: YamlSource, place: Place, event: EventFrom) -> Iterator[Problem]:
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


def _without(data: Yaml, places: Sequence[Place], here: Place = ()) -> Yaml:
    if isinstance(data, dict):
        return {key: _without(value, places, (*here, key)) for key, value in data.items() if (*here, key) not in places}
    if isinstance(data, list):
        return [_without(value, places, (*here, index)) for index, value in enumerate(data)]
    return data
