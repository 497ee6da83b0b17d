"""Scoring: from the log to score records, for all accounts or for some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from django.db import transaction

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.facts.traits import ENDING_EVENTS, ended_accounts
from keepwell.health.health_model import HealthModel
from keepwell.health.package import Package
from keepwell.health.score import score
from keepwell.jobs.audit import record_act
from keepwell.jobs.detect import do_detect_signals
from keepwell.jobs.imported import read_mark
from keepwell.jobs.panel import read_panel
from keepwell.jobs.score_book import ScoreBook
from keepwell.jobs.segment import write_segments
from keepwell.lake.engine import Engine, Question
from keepwell.lake.history import trait_events
from keepwell.lake.log import EventLog
from keepwell.metrics.metric import Metric
from keepwell.signals.look import with_segments
from keepwell.store.models import EventName, ModelVersion
from keepwell.store.read.dictionary import name_codes
from keepwell.store.read.package import model_of, signals_about


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
    detects: Calendar | None = None,
    by: str,
    now: datetime,
) -> list[ScoringRun]:
    """Score accounts (None: all) as of each moment, and make the last moment's scores the current ones.

    Bands are held on from the newest record before the first moment. Scoring a moment again replaces its
    records. An account whose subscription had ended by a moment gets none. With `detects`, the calendar that deadlines
    are reckoned by, the last moment is also looked at for signals.
    """
    package, model = model_of(version)
    signals = signals_about(version)
    mark = read_mark(home) if detects and signals else None
    ordered = sorted(moments)
    last = ordered[-1]
    back = timedelta(days=model.trend.days)
    asked = sorted({*ordered, *(moment - back for moment in ordered)} - {last})
    log = EventLog(home.log)
    question = question_of(package, model, [Moment.at(moment) for moment in asked], accounts)
    scored = {values.as_of: score(values, model) for values in engine.values(log, question)}
    further = signals.metrics() if signals else {}
    (newest,) = engine.values(log, question_of(package, model, [Moment.at(last)], accounts, further))
    scored[last] = score(newest, model)
    book = ScoreBook(version, model, ordered[0], accounts)
    endings = list(trait_events(log, _codes(), Moment.at(ordered[-1]), accounts))
    runs: list[ScoringRun] = []
    for moment in ordered:
        ended = ended_accounts(endings, moment)
        known = book.enter(scored[moment], scored[moment - back], ended)
        present = len(set(scored[moment].accounts.tolist()) - ended)
        runs.append(ScoringRun(moment, known, present - known, len(ended)))
    with transaction.atomic():
        book.write()
        if signals is not None and book.is_newest:
            panel, rows = read_panel(model, newest, scored[last], book.newest)
            over = sorted(ended_accounts(endings, last) & set(newest.accounts.tolist()))
            if detects is not None and mark is not None:
                do_detect_signals(home, version, signals, panel, rows, over, detects, mark, by=by, now=now)
            else:
                write_segments(version.model, with_segments(signals, panel), over)
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
    package: Package,
    model: HealthModel,
    moments: Sequence[Moment],
    accounts: Sequence[int] | None,
    further: Mapping[str, Metric] = MappingProxyType({}),
) -> Question:
    """What a model asks of the log: its metrics and those they take values from, and `further` ones."""
    wanted = dict.fromkeys(model.metrics())
    while used := {name for metric in wanted for name in package.metrics[metric].uses()} - wanted.keys():
        wanted.update(dict.fromkeys(sorted(used)))
    metrics = {**{name: package.metrics[name] for name in wanted}, **further}
    return Question(metrics, name_codes(), moments, accounts, model.fresh_days())


def _codes() -> dict[int, str]:
    return dict(EventName.objects.filter(name__in=ENDING_EVENTS).values_list("pk", "name"))
