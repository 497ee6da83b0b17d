"""Simulated events as columns, and the Arrow table of them that an import can read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from keepwell.simulator.stage import Booleans, Floats, Integers

SCHEMA = pa.schema(
    [
        ("message_id", pa.string()),
        ("account", pa.string()),
        ("contact", pa.string()),
        ("event", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("properties", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Words:
    """A text property: row n holds `words[codes[n]]`. Words must not need escaping in JSON."""

    words: Sequence[str]
    codes: Integers


@dataclass(frozen=True, slots=True)
class Numbered:
    """A text property: a prefix and a number, such as `T-1042`."""

    prefix: str
    numbers: Integers


Property = Words | Numbered | Floats | Integers | Booleans
Properties = dict[str, Property]


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one name.

    `contact` is an index into the cast's contacts, -1 for none; `at` is microseconds since 1970.
    """

    event: str
    account: Integers
    contact: Integers
    at: Integers
    properties: Mapping[str, Property] = field(default_factory=dict)

    def where(self, kept: Booleans) -> "Batch":
        return Batch(
            self.event,
            self.account[kept],
            self.contact[kept],
            self.at[kept],
            {name: _kept(value, kept) for name, value in self.properties.items()},
        )


def no_contact(account: Integers) -> Integers:
    return np.full(len(account), -1, dtype=np.int64)


def table_of(batches: Sequence[Batch], accounts: Sequence[str], contacts: Sequence[str], id_prefix: str) -> pa.Table:
    """All events in order of time; a message id is the prefix and the place in that order."""
    at = np.concatenate([batch.at for batch in batches])
    order = np.argsort(at, kind="stable")
    account = np.concatenate([batch.account for batch in batches])[order]
    contact = np.concatenate([batch.contact for batch in batches])[order]
    names = sorted({batch.event for batch in batches})
    codes = np.concatenate([np.full(len(batch.at), names.index(batch.event)) for batch in batches])[order]
    properties = pa.chunked_array([_json(batch) for batch in batches], pa.string()).take(pa.array(order))
    place = pa.array(np.arange(len(at))).cast(pa.string())
    columns = [
        pc.binary_join_element_wise(pa.scalar(id_prefix), pc.utf8_lpad(place, 8, "0"), "-"),
        pa.array(accounts, pa.string()).take(pa.array(account)),
        pa.array(contacts, pa.string()).take(pa.array(contact, mask=contact < 0)),
        pa.array(names, pa.string()).take(pa.array(codes)),
        pa.array(at[order], pa.timestamp("us", tz="UTC")),
        properties.combine_chunks(),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _json(batch: Batch) -> pa.Array:
    """The properties of each event as a JSON object."""
    if not batch.properties:
        return pa.array(["{}"] * len(batch.at), pa.string())
    parts: list[pa.Array | pa.Scalar] = []
    for number, (name, value) in enumerate(batch.properties.items()):
        parts.append(pa.scalar(f'{"{" if number == 0 else ", "}"{name}": '))
        parts.append(_as_json(value))
    return pc.binary_join_element_wise(*parts, pa.scalar("}"), "")


def _as_json(value: Property) -> pa.Array:
    if isinstance(value, Words):
        quoted = pa.array([f'"{word}"' for word in value.words], pa.string())
        return quoted.take(pa.array(value.codes))
    if isinstance(value, Numbered):
        numbers = pa.array(value.numbers).cast(pa.string())
        return pc.binary_join_element_wise(pa.scalar(f'"{value.prefix}'), numbers, pa.scalar('"'), "")
    if value.dtype == np.float64:
        # Adding zero turns -0.0 into 0.0.
        return pa.array(np.round(value, 4) + 0.0).cast(pa.string())
    return pa.array(value).cast(pa.string())


def _kept(value: Property, kept: Booleans) -> Property:
    if isinstance(value, Words):
        return Words(value.words, value.codes[kept])
    if isinstance(value, Numbered):
        return Numbered(value.prefix, value.numbers[kept])
    # A slice of an array by a mask has the array's own type, which numpy's stubs cannot say of a union.
    return value[kept]
