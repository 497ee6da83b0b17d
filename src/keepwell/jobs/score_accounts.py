"""Scoring: from the log to score records, for all accounts or for some."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.facts.traits import ENDING_EVENTS, ended_accounts
from keepwell.health.health_model import HealthModel
from keepwell.health.package import Package
from keepwell.health.score import score
from keepwell.jobs.audit import record_act
from keepwell.jobs.part_time import part
from keepwell.jobs.score_book import ScoreBook
from keepwell.jobs.touch import do_begin_scoring
from keepwell.lake.engine import Engine, Question
from keepwell.lake.history import status_events
from keepwell.lake.log import EventLog
from keepwell.store.models import EventName, ModelVersion
from keepwell.store.read.dictionary import name_codes
from keepwell.store.read.package import model_of


@dataclass(frozen=True, slots=True)
class ScoringRun:
    """One moment of a run: accounts with a known score, with too little data for one, and that had ended."""

    as_of: datetime
    known: int
    unknown: int
    ended: int


def do_score_accounts(
    home: Home,
    engine: Engine,
    version: ModelVersion,
    moments: Sequence[datetime],
    *,
    accounts: Sequence[int] | None = None,
    aged: Set[int] | None = None,
    check: Callable[[], None] | None = None,
    by: str,
    now: datetime,
) -> list[ScoringRun]:
    """Score accounts (None: all) as of each moment, and make the last moment's scores the current ones.

    Bands are held on from the newest record before the first moment. Scoring a moment again replaces its
    records. An account whose subscription had ended by a moment gets none. `check` is called in the
    transaction that writes, and raises where another process has taken the work over. With `aged` this is a live turn,
    whose scores are nobody's act and not in the audit: those accounts have old scores, the others have news.
    """
    package, model = model_of(version)
    ordered = sorted(moments)
    back = timedelta(days=model.trend.days)
    asked = sorted({*ordered, *(moment - back for moment in ordered)})
    question = question_of(package, model, [Moment.at(moment) for moment in asked], accounts)
    log = EventLog(home.log)
    do_begin_scoring(log, ordered[-1])
    with part("values"):
        values = engine.values(log, question)
    scored = {one.as_of: score(one, model) for one in values}
    book = ScoreBook(version, model, ordered[0], accounts, aged)
    with part("endings"):
        endings = list(status_events(log, _codes(), Moment.at(ordered[-1]), accounts))
    runs: list[ScoringRun] = []
    for moment in ordered:
        ended = ended_accounts(endings, moment)
        known = book.enter(scored[moment], scored[moment - back], ended)
        present = len(set(scored[moment].accounts.tolist()) - ended)
        runs.append(ScoringRun(moment, known, present - known, len(ended)))
    with part("write"), transaction.atomic():
        if check is not None:
            check()
        book.write()
        if aged is None:
            told = {
                "version": version.number,
                "accounts": "all" if accounts is None else len(accounts),
                "moments": len(runs),
                "known": runs[-1].known,
                "unknown": runs[-1].unknown,
            }
            record_act("accounts_scored", version.model, told, by=by, now=now)
    return runs


def question_of(
    package: Package, model: HealthModel, moments: Sequence[Moment], accounts: Sequence[int] | None
) -> Question:
    """What a model asks of the log: its metrics and those they take values from."""
    wanted = dict.fromkeys(model.metrics())
    while used := {name for metric in wanted for name in package.metrics[metric].uses()} - wanted.keys():
        wanted.update(dict.fromkeys(sorted(used)))
    metrics = {name: package.metrics[name] for name in wanted}
    return Question(metrics, name_codes(), moments, accounts, model.fresh_days())


def _codes() -> dict[int, str]:
    return dict(EventName.objects.filter(name__in=ENDING_EVENTS).values_list("pk", "name"))
