"""Which events there are and what each carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, StrictBool, StrictStr

from keepwell.base.shape import Name

ColumnType = Literal["number", "text", "boolean", "time"]


class PropertyShape(BaseModel):
    """A value an event may carry. `time` is an instant, `boolean` is true or false."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: ColumnType
    unit: StrictStr = ""
    about: StrictStr = ""


class EventShape(BaseModel):
    """An event by its own name; `aliases` are names seen elsewhere for the same thing.

    A `trusted` event is taken from a server key or a connector only, never from a browser.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: StrictStr
    about: StrictStr = ""
    aliases: tuple[StrictStr, ...] = ()
    trusted: StrictBool = False
    properties: Mapping[Name, PropertyShape] = {}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The events of a package by name, those it inherits included."""

    events: Mapping[str, EventShape] = field(default_factory=dict)

    def property_types(self) -> dict[str, ColumnType]:
        """Every declared property with its type; a check holds that it has only one."""
        return {
            name: declared.type for event in self.events.values() for name, declared in sorted(event.properties.items())
        }

    def names(self) -> dict[str, str]:
        """Every spelling that is understood, aliases included, to the event's own name."""
        found = {alias: name for name, event in self.events.items() for alias in event.aliases}
        return {**found, **{name: name for name in self.events}}
