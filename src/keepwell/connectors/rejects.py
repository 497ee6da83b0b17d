"""The rejects file: every row that was not taken, as it stood, with its line and why. One JSON object a line."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keepwell.connectors.reasons import REASONS
from keepwell.connectors.sql_text import one_row
from keepwell.connectors.staging import Staged

LONGEST_ROW: Final = 1 << 16
ROWS_AT_ONCE: Final = 10_000


def write_rejects(staged: Staged, path: Path) -> int:
    """How many were written; no file is made when there are none. The file appears whole or not at all."""
    (count,) = one_row(staged.database, "SELECT count(*) FROM refused")
    if not count:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8") as file:
        for reject in _rejects(staged):
            file.write(json.dumps(reject, ensure_ascii=False) + "\n")
    unfinished.replace(path)
    return int(count)


def _rejects(staged: Staged) -> Iterator[dict[str, object]]:
    places = staged.database.sql("SELECT DISTINCT line, last_line FROM refused ORDER BY line").fetchall()
    originals = zip(places, staged.reader.originals(places), strict=False)
    refused = staged.database.cursor().execute("SELECT line, event, code, culprit FROM refused ORDER BY line, event")
    (at, _), original = next(originals, ((0, 0), b""))
    while rows := refused.fetchmany(ROWS_AT_ONCE):
        for line, event, code, column in rows:
            while at < line:
                (at, _), original = next(originals, ((line, line), b""))
            label = None if event is None else staged.plan.map.events[event].label
            why = {"event": label, "column": column, "code": code, "reason": REASONS[code]}
            yield {"line": line, **why, **_kept(original)}


def _kept(original: bytes) -> dict[str, object]:
    cut = original[:LONGEST_ROW]
    try:
        kept: dict[str, object] = {"row": cut.decode()}
    except UnicodeDecodeError:
        kept = {"row_base64": base64.b64encode(cut).decode()}
    return kept | ({"row_is_cut": True} if len(original) > LONGEST_ROW else {})
