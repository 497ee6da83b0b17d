"""The mapping: what the event names that programs send mean in the catalogue.

```yaml
events:
  - name: Report Exported            # as it is sent
    means: feature_used              # an event of the catalogue
    properties: {feature: report}    # property of the catalogue: the one it is sent as
    constants: {core: true}          # the same for every such event
  - name: Heartbeat
    ignore: true
  - name: Plan Switched
    source: billing                  # only when this source sends it; it comes before an entry without a source
    means: subscription_changed
```

A property that the mapping names comes from where it says and from nowhere else, and one that was sent under another
name is moved: it no longer counts under its own. All others stay. A name that no entry has means what the catalogue's
aliases say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, StrictBool, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from keepwell.base.errors import PackageError, Problem, nearest
from keepwell.base.shape import Name, Number, read_shape
from keepwell.base.yaml_source import YamlSource, read_yaml
from keepwell.facts.catalogue import Catalogue, EventShape
from keepwell.facts.traits import ACCOUNT_EVENTS, CONTACT_EVENTS

FILE: Final = "mapping.yaml"
EMPTY: Final = (
    "# What the event names that programs send mean; 'keepwell mapping publish' puts it into force.\nevents: []\n"
)
TYPES: Final = {"number": "a number", "text": "text", "boolean": "true or false", "time": "a time as text"}

Sent = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=512)]
Constant = StrictBool | Number | Annotated[str, StringConstraints(strict=True)]


class MappedName(BaseModel):
    """One entry: a name as it is sent, of one source or of any, and what it means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Sent
    source: Sent | None = None
    means: Sent | None = None
    ignore: StrictBool = False
    properties: Mapping[Name, Sent] = {}
    constants: Mapping[Name, Constant] = {}

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if (self.means is None) != self.ignore:
            raise PydanticCustomError("meaning", "say either what the name means or 'ignore: true'.")
        if self.ignore and (self.properties or self.constants):
            raise PydanticCustomError("meaning", "an event that is ignored needs no properties and no constants.")
        twice = sorted(self.properties.keys() & self.constants.keys())
        if twice:
            sentence = f"'{twice[0]}' is both among the properties and the constants; keep one."
            raise PydanticCustomError("meaning", "{sentence}", {"sentence": sentence})
        return self


class EventMap(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: tuple[MappedName, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedEventMap:
    """A mapping without a fault, and where each part of it stands."""

    map: EventMap
    source: YamlSource


def load_event_map(file: str, text: str, catalogue: Catalogue | None) -> LoadedEventMap:
    """Raises PackageError with everything that is wrong; `file` is what messages call it.

    Without a catalogue the names of events and properties are taken as they are.
    """
    source = read_yaml(file, text)
    found, problems, _ = read_shape(EventMap, source)
    told = [*source.problems, *problems]
    if found is None:
        # One entry that cannot be read must not hide what is wrong with the others.
        found = EventMap(events=())
        entries = source.data.get("events") if isinstance(source.data, dict) else None
        for place, entry in enumerate(entries if isinstance(entries, list) else []):
            one, _, _ = read_shape(MappedName, source, data=entry)
            told += [] if one is None else _wrong_names(source, place, one, catalogue)
    told += [
        problem for place, entry in enumerate(found.events) for problem in _wrong_names(source, place, entry, catalogue)
    ]
    told += _repeated(source, found)
    if told:
        raise PackageError(list(dict.fromkeys(told)))
    return LoadedEventMap(found, source)


def is_telling(event: str) -> bool:
    """Whether the properties of an event become traits, so that it may have any."""
    return event in ACCOUNT_EVENTS or event in CONTACT_EVENTS


def _wrong_names(source: YamlSource, place: int, entry: MappedName, catalogue: Catalogue | None) -> Iterator[Problem]:
    if entry.means is None or catalogue is None:
        return
    here = ("events", place)
    event = catalogue.events.get(entry.means)
    if event is None:
        own = catalogue.names().get(entry.means)
        hint = f" Did you mean '{own}'?" if own else nearest(entry.means, list(catalogue.events))
        yield source.problem((*here, "means"), f"no catalogue has the event '{entry.means}'.{hint}")
        return
    for kind, told in (("properties", entry.properties), ("constants", entry.constants)):
        for name in told:
            if name not in event.properties and not is_telling(entry.means):
                hint = nearest(name, list(event.properties)) or _has(event)
                yield source.problem((*here, kind, name), f"the event '{entry.means}' has no property '{name}'.{hint}")
    for name, value in entry.constants.items():
        declared = event.properties.get(name)
        if declared is not None and not _fits(value, declared.type):
            sentence = f"'{name}' is {TYPES[declared.type]} in the catalogue, not {value!r}."
            yield source.problem((*here, "constants", name), sentence)


def _has(event: EventShape) -> str:
    return f" It has: {', '.join(event.properties)}." if event.properties else " It has none."


def _fits(value: bool | float | str, declared: str) -> bool:
    if declared == "boolean":
        return isinstance(value, bool)
    if declared == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)


def _repeated(source: YamlSource, found: EventMap) -> Iterator[Problem]:
    first: dict[tuple[str, str | None], int] = {}
    for place, entry in enumerate(found.events):
        earlier = first.setdefault((entry.name, entry.source), place)
        if earlier != place:
            whose = f" of the source '{entry.source}'" if entry.source else ""
            line = source.line(("events", earlier))
            yield source.problem(("events", place), f"the name '{entry.name}'{whose} is mapped on line {line} already.")
