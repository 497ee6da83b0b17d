"""Which measure moved a score most, for a handful of accounts at once.

Callers have checked that the member may see the accounts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.health.score import score
from keepwell.jobs.score_accounts import question_of
from keepwell.jobs.score_book import measure_lines
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.lake.log import EventLog
from keepwell.store.models import ModelVersion, ScoreRecord
from keepwell.store.read.move import Move
from keepwell.store.read.package import model_of

# 1e-9 points by metric, by account and moment.
Points = dict[tuple[int, datetime], Mapping[str, int]]


def largest_parts(home: Home, moves: Sequence[Move]) -> dict[int, tuple[str, int]]:
    """By account, the measure that moved most in the direction of the whole score, with its change in 1e-9 points."""
    if not moves:
        return {}
    points = _kept(moves)
    lacking = [move for move in moves if not _has_both(points, move)]
    points.update(_worked_out(home, lacking))
    found: dict[int, tuple[str, int]] = {}
    for move in moves:
        if _has_both(points, move):
            old, new = points[move.account_id, move.before.as_of], points[move.account_id, move.after.as_of]
            sign = 1 if (move.change_nano or 0) > 0 else -1
            parts = {metric: new.get(metric, 0) - old.get(metric, 0) for metric in {**old, **new}}
            metric = max(sorted(parts), key=lambda name: sign * parts[name])
            found[move.account_id] = (metric, parts[metric])
    return found


def _has_both(points: Points, move: Move) -> bool:
    moments = (move.before.as_of, move.after.as_of)
    return all(points.get((move.account_id, moment)) for moment in moments)


def _kept(moves: Sequence[Move]) -> Points:
    """From records that still hold their measures."""
    rows = ScoreRecord.objects.filter(
        account_id__in=[move.account_id for move in moves],
        version_id__in={point.version_id for move in moves for point in (move.before, move.after)},
        as_of__in={point.as_of for move in moves for point in (move.before, move.after)},
    )
    return {
        (account, as_of): {line["metric"]: line["points_nano"] for line in measures}
        for account, as_of, measures in rows.values_list("account_id", "as_of", "measures")
    }


def _worked_out(home: Home, moves: Sequence[Move]) -> Points:
    """From the log, one query per model version: each moment under the version that scored it."""
    asked: dict[int, tuple[set[int], set[datetime]]] = {}
    for move in moves:
        for point in (move.before, move.after):
            accounts, moments = asked.setdefault(point.version_id, (set(), set()))
            accounts.add(move.account_id)
            moments.add(point.as_of)
    found: Points = {}
    for version in ModelVersion.objects.filter(pk__in=asked):
        accounts, moments = asked[version.pk]
        package, model = model_of(version)
        question = question_of(package, model, [Moment.at(moment) for moment in sorted(moments)], sorted(accounts))
        for values in embedded_engine().values(EventLog(home.log), question):
            scores = score(values, model)
            for row, account in enumerate(values.accounts.tolist()):
                lines = measure_lines(scores, row)
                found[account, values.as_of] = {str(line["metric"]): int(str(line["points_nano"])) for line in lines}
    return found
