"""A simulated history as the relation that metrics read, in a database of its own."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from keepwell.facts.values import Values
from keepwell.health.package import Package
from keepwell.lake.duck import session
from keepwell.metrics.compile import compile_metrics

_MICROSECOND = timedelta(microseconds=1)


def account_ids(history: pa.Table) -> dict[str, int]:
    return {key: number for number, key in enumerate(sorted(set(history["account"].to_pylist())))}


def values_of(package: Package, history: pa.Table, as_of: datetime) -> Values:
    """Values of every metric of the package for every account, all events known at once."""
    names = {name: number for number, name in enumerate(sorted(package.catalogue.events))}
    with session(duckdb.connect()) as database:
        _fill(database, package, history, as_of, names)
        query = compile_metrics(package.metrics, names, {}, "duckdb")
        found = database.sql(f"SELECT * FROM ({query}) ORDER BY account").to_arrow_table()
    metrics = tuple(package.metrics)
    columns = [found[f"m_{metric}"].to_numpy(zero_copy_only=False).astype(np.float64) for metric in metrics]
    return Values(as_of, found["account"].to_numpy(), metrics, np.column_stack(columns))


def _fill(
    database: duckdb.DuckDBPyConnection, package: Package, history: pa.Table, as_of: datetime, names: Mapping[str, int]
) -> None:
    ids = account_ids(history)
    moment = int((as_of - datetime.fromtimestamp(0, as_of.tzinfo)) / _MICROSECOND)
    database.register("history", history)
    database.register("accounts", pa.table({"account": list(ids), "id": list(ids.values())}))
    database.register("names", pa.table({"event": list(names), "id": list(names.values())}))
    columns = [
        f"{_text(name)} AS p_{name}" if kind == "text" else f"{_number(name)} AS p_{name}"
        for name, kind in sorted(package.catalogue.property_types().items())
    ]
    database.execute(
        f"""
        CREATE TABLE events_as_of AS
        SELECT make_timestamptz({moment}) AS as_of, accounts.id AS account, (hash(contact) >> 1)::BIGINT AS contact,
            names.id::INTEGER AS name, {moment} - epoch_us(timestamp) AS age,
            (({moment} - epoch_us(timestamp)) // 86400000000)::INTEGER AS days_ago,
            (hash(message_id) >> 1)::BIGINT AS tie, {", ".join(columns)}
        FROM history JOIN accounts USING (account) JOIN names USING (event)
        WHERE epoch_us(timestamp) < {moment}
        """
    )


def _text(name: str) -> str:
    return f"json_extract_string(properties, '$.{name}')"


def _number(name: str) -> str:
    return f"CASE {_text(name)} WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE TRY_CAST({_text(name)} AS DOUBLE) END"
