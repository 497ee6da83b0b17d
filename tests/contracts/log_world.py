"""Random histories of several accounts, written through the real log: fresh files beside settled ones, late facts,
ties, gaps and odd values."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from keepwell.facts.arrival import ARRIVALS
from keepwell.facts.event_name import NameCode
from keepwell.lake.encode import Dictionaries, encode
from keepwell.lake.log import EventLog
from keepwell.lake.snapshot import PropertyColumn

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 120
NAMES = ("signed_in", "feature_used", "usage_recorded", "subscription_changed", "ticket_opened", "message_replied")
# The log has columns for these only; the other properties stay in JSON.
COLUMNS: Mapping[str, PropertyColumn] = {"feature": "text", "units": "number", "plan_limit": "number"}


def codes(first_known_at: datetime = START) -> dict[str, NameCode]:
    return {name: NameCode(number, first_known_at) for number, name in enumerate(NAMES, 1)}


def random_arrivals(random: np.random.Generator, accounts: int, events: int) -> list[dict[str, object]]:
    """Events in no order; times fall on few instants, so that ties happen."""
    found = []
    for number in range(events):
        name = str(random.choice(NAMES, p=[0.3, 0.35, 0.15, 0.05, 0.1, 0.05]))
        step = timedelta(hours=6) if random.random() < 0.5 else timedelta(microseconds=1)
        at = START + int(random.integers(0, timedelta(days=DAYS) // step)) * step
        late = timedelta(hours=float(random.choice([0, 0, 0, 1, 200])))
        account = int(random.integers(1, accounts + 1))
        contact = None if random.random() < 0.2 else f"contact {random.integers(1, 5)}"
        found.append(arrival(account, name, at, number, contact=contact, late=late, **properties(random, name)))
    return found


def properties(random: np.random.Generator, name: str) -> dict[str, object]:
    if name == "feature_used":
        feature = str(random.choice(["search", "export", "Search", "ѕearch", "naïve", "naïve"]))
        return {"feature": feature, "advanced": bool(random.random() < 0.3)}
    if name == "usage_recorded":
        odd = [None, 0, 1e15, -3.5, 0.1, "12.5", "many", True, 123456.789, {"a": 1}]
        return {"units": odd[int(random.integers(len(odd)))], "errors": float(random.integers(0, 4))}
    if name == "subscription_changed":
        renewal = START + timedelta(days=float(random.integers(0, 400)))
        plan = {"plan": str(random.choice(["small", "large"])), "plan_limit": float(random.integers(0, 9) * 1000)}
        return {**plan, "renewal_at": renewal.isoformat()}
    if name == "ticket_opened":
        return {"sentiment": round(float(random.uniform(-1, 1)), 3), "severity": str(random.choice(["low", "high"]))}
    return {}


def arrival(
    account: int,
    name: str,
    at: datetime,
    number: int,
    *,
    contact: str | None = None,
    late: timedelta = timedelta(0),
    **props: object,
) -> dict[str, object]:
    """One event of an account; `number` is its identity."""
    return {
        "account": str(account),
        "contact": contact,
        "name": name,
        "at": at,
        "known_at": at + late,
        "source": "test",
        "message_id": str(number),
        "imported": False,
        "props": json.dumps(props) if props else None,
    }


def rows(arrivals: Sequence[Mapping[str, object]], columns: Mapping[str, PropertyColumn] = COLUMNS) -> pa.Table:
    """Rows of the log; an account's id is its number, and contacts are numbered by their text."""
    table = pa.Table.from_pylist(list(arrivals), schema=ARRIVALS)
    accounts = sorted({str(row["account"]) for row in arrivals}, key=int)
    people = sorted({(str(row["account"]), str(row["contact"])) for row in arrivals if row["contact"] is not None})
    held = Dictionaries(
        accounts=pa.table({"id": pa.array(map(int, accounts), pa.int64()), "key": accounts}),
        contacts=pa.table(
            {
                "id": pa.array([int(account) * 100 + int(key.split()[1]) for account, key in people], pa.int64()),
                "account": pa.array([int(account) for account, _ in people], pa.int64()),
                "key": pa.array([key for _, key in people], pa.string()),
            }
        ),
        names=pa.table({"id": pa.array(range(1, len(NAMES) + 1), pa.int32()), "key": list(NAMES)}),
    )
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        return encode(database, table, held, columns)


def write_log(
    folder: Path,
    batches: Sequence[Sequence[Mapping[str, object]]],
    *,
    settled: int,
    columns: Mapping[str, PropertyColumn] = COLUMNS,
) -> EventLog:
    """A log of one seal per batch, the first `settled` of them compacted."""
    log = EventLog(folder / "lake" / "events")
    log.create(columns)
    for number, batch in enumerate(batches, 1):
        log.append(rows(batch, columns), writer="test", number=number)
        if number == settled:
            log.compact()
    return log
