"""What a row of the log means: its name and properties, derived from what was sent.

The log keeps both. `name` and `props` are what an event means, which everybody reads; `sent_name` and `sent_props` are
what was sent where that is something else, and missing where it is not. So a row can always be derived anew.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from keepwell.lake import duck

# The name of an event that is ignored: no name has it, so nothing reads the event.
IGNORED: Final = -1
RULES: Final = "meaning_rules"
# What was sent, of a row of the log.
SENT_NAME: Final = 'coalesce("sent_name", "name")'
SENT_PROPS: Final = 'CASE WHEN "sent_props" IS NULL THEN "props" ELSE nullif("sent_props", \'\') END'


@dataclass(frozen=True, slots=True)
class Rule:
    """What a name means when this source (None: any) sends it; a rule with the source comes first.

    `untrusted` rules are for events that came with a key anybody may see, the others for all others.
    `properties` are pairs of a property and the one it was sent as, `constants` pairs of a property and its
    JSON. With `is_whole` nothing else of what was sent is taken over.
    """

    sent: int
    source: str | None
    untrusted: bool
    name: int
    properties: tuple[tuple[str, str], ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    is_whole: bool = False

    @property
    def changes_properties(self) -> bool:
        return bool(self.properties or self.constants or self.is_whole)


def meant(database: duckdb.DuckDBPyConnection, rows: str, rules: Sequence[Rule]) -> str:
    """SQL of these rows with `name`, `sent_name`, `props` and `sent_props` as the rules derive them.

    `rows` is a query whose columns `sent` and `told` are the code of the name and the properties as they were sent,
    beside `source` and `untrusted`; all other columns stay.
    """
    database.register(RULES, _table(rules))
    changing = [(place, rule) for place, rule in enumerate(rules) if rule.changes_properties]
    whens = "".join(f" WHEN {place} THEN {_props(rule)}" for place, rule in changing)
    props = f"CASE place{whens} ELSE told END" if changing else "told"
    found = (
        "SELECT i.*, coalesce(s.place, g.place) AS place, coalesce(s.means, g.means, i.sent) AS means "
        f"FROM (SELECT *, coalesce(untrusted, FALSE) AS is_open FROM ({rows})) i "
        f"LEFT JOIN {RULES} s ON s.sent = i.sent AND s.source = i.source AND s.untrusted = i.is_open "
        f"LEFT JOIN {RULES} g ON g.sent = i.sent AND g.source IS NULL AND g.untrusted = i.is_open"
    )
    return (
        "SELECT * EXCLUDE (sent, told, is_open, place, means, derived), means AS name, derived AS props, "
        "nullif(sent, means) AS sent_name, "
        "CASE WHEN derived IS DISTINCT FROM told THEN coalesce(told, '') END AS sent_props "
        f"FROM (SELECT *, {props} AS derived FROM ({found}))"
    )


def _table(rules: Sequence[Rule]) -> pa.Table:
    return pa.table(
        {
            "place": pa.array(range(len(rules)), pa.int32()),
            "sent": pa.array([rule.sent for rule in rules], pa.int32()),
            "source": pa.array([rule.source for rule in rules], pa.string()),
            "untrusted": pa.array([rule.untrusted for rule in rules], pa.bool_()),
            "means": pa.array([rule.name for rule in rules], pa.int32()),
        }
    )


def _props(rule: Rule) -> str:
    """The properties of one rule as SQL over `told`, in JSON; missing when there is none."""
    pairs = [
        *(_pair(name, f"json_extract(told, {duck.text(_pointer(sent))})") for name, sent in rule.properties),
        *(_pair(name, duck.text(value)) for name, value in rule.constants),
    ]
    if not rule.is_whole:
        pairs.append(_rest({*dict(rule.properties), *dict(rule.properties).values(), *dict(rule.constants)}))
    joined = f"concat_ws(',', {', '.join(pairs)})" if pairs else "''"
    return f"nullif('{{' || {joined} || '}}', '{{}}')"


def _pair(name: str, value: str) -> str:
    # A property that was not sent is missing and leaves no pair: SQL joins only what is there.
    return f"({duck.text(json.dumps(name) + ':')} || ({value})::VARCHAR)"


def _rest(taken: Iterable[str]) -> str:
    """The inside of the object that is left without these properties."""
    removed = duck.text(json.dumps(dict.fromkeys(sorted(taken))))
    left = f"json_merge_patch(coalesce(told, '{{}}'), {removed})::VARCHAR"
    return f"nullif(substr({left}, 2, length({left}) - 2), '')"


def _pointer(name: str) -> str:
    """A JSON pointer (RFC 6901): unlike a path it takes every name."""
    return "/" + name.replace("~", "~0").replace("/", "~1")
