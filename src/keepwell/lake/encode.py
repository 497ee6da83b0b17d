"""From arrivals with text ids to rows of the log."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from keepwell.lake import duck
from keepwell.lake.log import schema_of, stored
from keepwell.lake.meaning import Rule, meant
from keepwell.lake.snapshot import PropertyColumn


@dataclass(frozen=True, slots=True)
class Dictionaries:
    """The integer of every text id: `accounts` and `names` have columns id and key, `contacts` also account."""

    accounts: pa.Table
    contacts: pa.Table
    names: pa.Table


@dataclass(frozen=True, slots=True)
class Unknown:
    """Ids of a batch that the dictionaries lack; names come with the earliest moment they were known."""

    accounts: list[str]
    contacts: list[tuple[str, str]]
    names: list[str]


# Eight bytes of a digest: settles which of two events of equal time counts as newer, whatever came first.
TIE = "(md5_number_lower(source || chr(31) || message_id)::HUGEINT - 9223372036854775808)::BIGINT"


def unknown_ids(database: duckdb.DuckDBPyConnection, arrivals: pa.Table, held: Dictionaries) -> Unknown:
    """Account keys, (account key, contact key) pairs and event names without an integer, in order."""
    _register(database, arrivals, held)
    accounts = database.execute(
        "SELECT DISTINCT account FROM arrivals ANTI JOIN accounts ON accounts.key = arrivals.account ORDER BY 1"
    ).fetchall()
    contacts = database.execute(
        "SELECT DISTINCT r.account, r.contact FROM arrivals r WHERE r.contact IS NOT NULL AND NOT EXISTS ("
        "SELECT 1 FROM contacts c JOIN accounts a ON a.id = c.account WHERE a.key = r.account AND c.key = r.contact"
        ") ORDER BY 1, 2"
    ).fetchall()
    names = database.execute(
        "SELECT DISTINCT name FROM arrivals ANTI JOIN names ON names.key = arrivals.name ORDER BY 1"
    ).fetchall()
    return Unknown([row[0] for row in accounts], [(row[0], row[1]) for row in contacts], [row[0] for row in names])


def encode(
    database: duckdb.DuckDBPyConnection,
    arrivals: pa.Table,
    held: Dictionaries,
    properties: Mapping[str, PropertyColumn],
    rules: Sequence[Rule] = (),
    untrusted: pa.Array | None = None,
) -> pa.Table:
    """Rows of the log in the order of arrival; every id must be in the dictionaries.

    The rules say what they mean; `untrusted` marks the arrivals that came with a key anybody may see. A property of
    another type than declared stays in `props` and is missing in its column.
    """
    _register(database, arrivals, held)
    database.register("marks", _marks(len(arrivals), untrusted))
    may_carry = _told(database, rules)
    told = {item: kind for item, kind in properties.items() if item in may_carry}
    wanted = json.dumps(dict.fromkeys(told, "VARCHAR"))
    columns = [
        "account, contact, name",
        f'"at", known_at, source, message_id, {TIE} AS tie, imported, props, sent_name, sent_props, untrusted',
        *(f"{stored(f'found.{duck.name(item)}', kind)} AS {duck.name(f'p_{item}')}" for item, kind in told.items()),
    ]
    sent = (
        "SELECT r.* EXCLUDE (account, contact, name, props), a.id AS account, c.id AS contact, n.id AS sent, "
        "nullif(r.props, '') AS told, m.untrusted FROM arrivals r JOIN marks m ON m.ordinal = r.ordinal "
        "JOIN accounts a ON a.key = r.account JOIN names n ON n.key = r.name "
        "LEFT JOIN contacts c ON c.account = a.id AND c.key = r.contact"
    )
    found = f"json_transform(props, {duck.text(wanted)})" if told else "NULL"
    rows = database.sql(
        f"SELECT {', '.join(columns)} FROM (SELECT *, {found} AS found FROM ({meant(database, sent, rules)})) "
        "ORDER BY ordinal"
    ).to_arrow_table()
    schema = schema_of(properties)
    missing = {field.name: pa.nulls(len(rows), field.type) for field in schema if field.name not in rows.column_names}
    return (
        pa.table({**dict(zip(rows.column_names, rows.columns, strict=True)), **missing})
        .select(schema.names)
        .cast(schema)
    )


def _told(database: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> set[str]:
    """Properties that rows of these arrivals may carry: a query over all that are declared takes long to plan."""
    sent = database.execute("SELECT DISTINCT unnest(json_keys(nullif(props, ''))) FROM arrivals").fetchall()
    derived = {name for rule in rules for name, _ in (*rule.properties, *rule.constants)}
    return {str(name) for (name,) in sent} | derived


def _marks(size: int, untrusted: pa.Array | None) -> pa.Table:
    marks = pa.nulls(size, pa.bool_()) if untrusted is None else untrusted
    return pa.table({"ordinal": pa.array(np.arange(size, dtype=np.int64)), "untrusted": marks})


def _register(database: duckdb.DuckDBPyConnection, arrivals: pa.Table, held: Dictionaries) -> None:
    ordinal = pa.array(np.arange(len(arrivals), dtype=np.int64))
    database.register("arrivals", arrivals.append_column("ordinal", ordinal))
    database.register("accounts", held.accounts)
    database.register("contacts", held.contacts)
    database.register("names", held.names)
