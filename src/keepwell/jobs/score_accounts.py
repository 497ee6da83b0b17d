"""Scoring: from the log to score records, for all accounts or for some."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from django.db import transaction

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.facts.traits import ENDING_EVENTS, ended_accounts
from keepwell.facts.values import Values
from keepwell.health.health_model import HealthModel
from keepwell.health.package import Package
from keepwell.health.score import Scores, score
from keepwell.jobs.audit import record_act
from keepwell.jobs.detect import Seen, do_look
from keepwell.jobs.earlier import Earlier, EarlierScores, Then, compared_at
from keepwell.jobs.imported import LogMark, read_mark
from keepwell.jobs.part_time import part
from keepwell.jobs.score_book import ScoreBook
from keepwell.jobs.touch import do_begin_scoring
from keepwell.lake.engine import Engine, Question
from keepwell.lake.history import status_events
from keepwell.lake.log import EventLog
from keepwell.metrics.metric import Metric
from keepwell.store.listed import listed
from keepwell.store.models import Account, EventName, ModelVersion, ScoreRecord
from keepwell.store.read.dictionary import name_codes
from keepwell.store.read.package import asking_of, model_of, signals_about


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
    detects: Calendar | None = None,
    live: EarlierScores | None = None,
    by: str,
    now: datetime,
) -> list[ScoringRun]:
    """Score accounts (None: all) as of each moment, and make the last moment's scores the current ones.

    Bands are held on from the newest record before the first moment. Scoring a moment again replaces its
    records. An account whose subscription had ended by a moment gets none. `check` is called in the
    transaction that writes, and raises where another process has taken the work over. With `aged` this is a live turn,
    whose scores are nobody's act and not in the audit: those accounts have old scores, the others have news. With
    `detects`, the calendar that deadlines are reckoned by, the last moment is also looked at for signals. `live`
    remembers the scores that trends compare with.
    """
    _, model = model_of(version)
    signals = signals_about(version)
    mark = read_mark(home) if detects and signals else None
    ordered = sorted(moments)
    log = EventLog(home.log)
    do_begin_scoring(log, ordered[-1])
    with part("values"):
        newest = _newest_values(engine, log, version, ordered[-1], accounts)
        if live is None or mark is None or len(ordered) > 1:
            others = _other_scores(engine, log, version, ordered, accounts)
            then = {moment: Earlier.of(others[compared_at(moment, model)]) for moment in ordered}
        else:
            others = {}
            then = {ordered[-1]: _remembered(engine, log, version, newest, mark, live)}
    scored = {**others, ordered[-1]: score(newest, model)}
    book = ScoreBook(version, model, ordered[0], accounts, aged)
    with part("endings"):
        ended_by = _ended(log, ordered, accounts, is_live=live is not None)
    runs: list[ScoringRun] = []
    for moment in ordered:
        ended = ended_by[moment]
        known = book.enter(scored[moment], then[moment], ended)
        present = len(set(scored[moment].accounts.tolist()) - ended)
        runs.append(ScoringRun(moment, known, present - known, len(ended)))
    with transaction.atomic():
        if check is not None:
            check()
        with part("write"):
            book.write()
        if aged is None:
            record_act("accounts_scored", version.model, _told(version, accounts, runs), by=by, now=now)
        if signals is not None and book.is_newest:
            over = sorted(ended_by[ordered[-1]] & set(newest.accounts.tolist()))
            with part("signals"):
                seen = Seen(newest, scored[ordered[-1]], book.newest, over, is_full=accounts is None)
                do_look(home, version, signals, seen, detects, mark, by=by, now=now)
    return runs


@dataclass(frozen=True, slots=True)
class Unwritten:
    """What scoring would write: records with their rows in values and scores. None of an account that had ended."""

    values: Values
    scores: Scores
    records: Sequence[tuple[ScoreRecord, int]]


def score_unwritten(
    home: Home, engine: Engine, version: ModelVersion, accounts: Sequence[int], moment: datetime
) -> Unwritten:
    """Score accounts as of a moment as `do_score_accounts` does, and write nothing."""
    _, model = model_of(version)
    log = EventLog(home.log)
    values = _newest_values(engine, log, version, moment, accounts)
    others = _other_scores(engine, log, version, [moment], accounts)
    scores = score(values, model)
    endings = status_events(log, _codes(), Moment.at(moment), accounts)
    book = ScoreBook(version, model, moment, accounts)
    book.enter(scores, Earlier.of(others[compared_at(moment, model)]), ended_accounts(endings, moment))
    return Unwritten(values, scores, book.entered)


def _newest_values(
    engine: Engine, log: EventLog, version: ModelVersion, moment: datetime, accounts: Sequence[int] | None
) -> Values:
    """Values at the last moment, those that the rules of signals and of playbooks ask for among them."""
    package, model = model_of(version)
    signals = signals_about(version)
    further = {} if signals is None else {**asking_of(version).metrics(), **signals.metrics()}
    (found,) = engine.values(log, question_of(package, model, [Moment.at(moment)], accounts, further))
    return found


def _other_scores(
    engine: Engine, log: EventLog, version: ModelVersion, ordered: Sequence[datetime], accounts: Sequence[int] | None
) -> dict[datetime, Scores]:
    """Scores at every moment but the last one, and at those that trends compare with."""
    package, model = model_of(version)
    asked = sorted({*ordered, *(compared_at(moment, model) for moment in ordered)} - {ordered[-1]})
    question = question_of(package, model, [Moment.at(moment) for moment in asked], accounts)
    return {values.as_of: score(values, model) for values in engine.values(log, question)}


def _remembered(
    engine: Engine, log: EventLog, version: ModelVersion, newest: Values, mark: LogMark, live: EarlierScores
) -> Earlier:
    """What these accounts scored before; only those that this process has not asked about are worked out."""
    then = Then(version.pk, compared_at(newest.as_of, model_of(version)[1]), mark)
    accounts = newest.accounts.tolist()
    missing = live.missing(then, accounts)
    if missing:
        known = Account.objects.filter(first_event_at__isnull=False, pk__gt=live.reached(then)).order_by("pk")
        ahead = list(known.values_list("pk", flat=True)[: live.ahead]) if live.ahead else []
        asked = sorted({*missing, *live.missing(then, ahead)})
        package, model = model_of(version)
        (values,) = engine.values(log, question_of(package, model, [Moment.at(then.as_of)], asked))
        live.learn(then, asked, score(values, model))
        if ahead:
            live.reach(then, ahead[-1])
    return live.earlier(then, accounts)


def _ended(
    log: EventLog, moments: Sequence[datetime], accounts: Sequence[int] | None, *, is_live: bool
) -> dict[datetime, set[int]]:
    """By moment, the accounts whose subscription had ended. A live turn has just written it into the state."""
    if is_live and accounts is not None:
        rows = Account.objects.filter(pk__in=listed(accounts), churned_on__isnull=False)
        over = set(rows.values_list("pk", flat=True))
        return dict.fromkeys(moments, over)
    endings = list(status_events(log, _codes(), Moment.at(max(moments)), accounts))
    return {moment: ended_accounts(endings, moment) for moment in moments}


def _told(version: ModelVersion, accounts: Sequence[int] | None, runs: Sequence[ScoringRun]) -> dict[str, object]:
    return {
        "version": version.number,
        "accounts": "all" if accounts is None else len(accounts),
        "moments": len(runs),
        "known": runs[-1].known,
        "unknown": runs[-1].unknown,
    }


def question_of(
    package: Package,
    model: HealthModel,
    moments: Sequence[Moment],
    accounts: Sequence[int] | None,
    further: Mapping[str, Metric] = MappingProxyType({}),
) -> Question:
    """What a model asks of the log: its metrics and those they take values from, and `further` ones."""
    metrics = {**package.metrics_of(model), **further}
    return Question(metrics, name_codes(), moments, accounts, model.fresh_days())


def _codes() -> dict[int, str]:
    return dict(EventName.objects.filter(name__in=ENDING_EVENTS).values_list("pk", "name"))
