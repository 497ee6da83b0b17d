"""When each source sent, as the log tells it."""

from datetime import datetime
from typing import Any

from keepwell.lake import duck
from keepwell.lake.log import EventLog


def minutes_with_events(log: EventLog, since: datetime) -> dict[str, list[int]]:
    """For each source the minutes since 1970 in which an event arrived, in order; imported events did not arrive."""
    files = [file.path for file in log.files()]
    if not files:
        return {}
    query = (
        "SELECT source, list_sort(list(DISTINCT epoch_ms(known_at) // 60000)) AS minutes "
        f"FROM {duck.files(files)} WHERE NOT imported AND known_at >= {duck.instant(since)} GROUP BY source"
    )
    with duck.session() as database:
        rows: list[dict[str, Any]] = database.sql(query).to_arrow_table().to_pylist()
    return {row["source"]: row["minutes"] for row in rows}
