"""One account's score worked out again from the log: what it is made of, and why it moved."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.facts.values import Values
from keepwell.health.change import CauseOfChange, Stages, why_changed
from keepwell.health.score import Scores, score
from keepwell.jobs.score_accounts import question_of
from keepwell.lake.engine import Engine
from keepwell.lake.log import EventLog
from keepwell.store.models import ModelVersion
from keepwell.store.read.package import model_of


def score_again(home: Home, engine: Engine, version: ModelVersion, account: int, as_of: datetime) -> Scores:
    """The score of one account as of a moment: the same digits as when it was recorded.

    The result has one row, or none when the account had no event before.
    """
    _, model = model_of(version)
    return score(_values(home, engine, version, account, [Moment.at(as_of)])[0], model)


def causes_of_change(
    home: Home,
    engine: Engine,
    account: int,
    before: tuple[ModelVersion, datetime],
    after: tuple[ModelVersion, datetime],
) -> tuple[CauseOfChange, ...]:
    """Why the score moved between two (version, moment): causes that add up to the difference, largest first."""
    (earlier, t1), (later, t2) = before, after
    moments = [
        Moment.at(t1),
        Moment(t2, happened_before=t1, known_before=t1),
        Moment(t2, happened_before=t1, known_before=t2),
        Moment.at(t2),
    ]
    first, aged, told, last = _values(home, engine, earlier, account, moments)
    edited = last if earlier.pk == later.pk else _values(home, engine, later, account, [Moment.at(t2)])[0]
    stages = Stages(*(_one_row(values, account) for values in (first, aged, told, last, edited)))
    return why_changed(stages, model_of(earlier)[1], model_of(later)[1])


def _values(home: Home, engine: Engine, version: ModelVersion, account: int, moments: list[Moment]) -> list[Values]:
    package, model = model_of(version)
    return engine.values(EventLog(home.log), question_of(package, model, moments, [account]))


def _one_row(values: Values, account: int) -> Values:
    """An account without events has no row; here that is a row of nothing but missing values."""
    if len(values.accounts):
        return values
    return replace(values, accounts=np.array([account]), matrix=np.full((1, len(values.metrics)), np.nan))
