"""Tickets with severity, tone, escalation and rating; help searches; opinions asked for and given."""

import numpy as np

from keepwell.simulator.batch import Batch, Numbered, Properties, Words, no_contact
from keepwell.simulator.cast import Cast
from keepwell.simulator.sampling import chance, office_moment, poisson_days, some_contact, tone
from keepwell.simulator.stage import DAY, HOUR, Floats, week

TOPICS = ("how_to", "technical", "billing", "other")
SEVERITIES = ("low", "normal", "high", "urgent")
SEVERITY_POINTS = (1, 2, 4, 8)
# The place of the first severity that is severe.
SEVERE = 2
HARD_SHARE = 0.5
HARD_HOURS = 21 * 24.0
SURVEYS = ("nps", "csat", "ces")
SCALES = (10, 5, 7)
WORST = (0, 1, 1)


def support_batches(cast: Cast) -> list[Batch]:
    return [*_tickets(cast), _help(cast), *_surveys(cast), _feedback(cast)]


def _tickets(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("tickets")
    activity = cast.activity()
    size = np.sqrt(cast.contact_count)[:, None]
    rate = 0.007 * size * (0.6 + 1.5 * (1 - activity)) * (activity > 0) * week(cast.calendar, 0.3)
    account, day = poisson_days(rng, rate)
    health = cast.fate.health[account, day]
    contact = some_contact(rng, cast, account, day)
    opened = office_moment(rng, cast, account, day)
    severity = np.clip(rng.normal(1.4 - 1.1 * health + 0.3, 0.75), 0, 3.4).round().astype(np.int64)
    topic = rng.choice(len(TOPICS), size=len(day), p=[0.45, 0.35, 0.1, 0.1])
    ticket: Properties = {"ticket": Numbered("T-", 1000 + np.arange(len(day)))}
    words: Properties = {
        "topic": Words(TOPICS, topic),
        "severity": Words(SEVERITIES, severity),
        "severity_points": np.array(SEVERITY_POINTS)[severity],
        "sentiment": tone(rng, health),
    }
    hours = np.round(rng.lognormal(2.6 + 0.5 * (1 - health), 0.8), 1)
    # Some of what is severe is not solved for weeks.
    is_hard = cast.random_stream("hard tickets").random(len(day)) < HARD_SHARE
    hours = np.where(is_hard & (severity >= SEVERE), hours + HARD_HOURS, hours)
    solved = opened + (hours * HOUR).astype(np.int64)
    escalated = chance(rng, 0.01 + 0.3 * (1 - health) ** 1.5 * (severity >= 1))
    rating = np.clip(np.round(0.9 + 4.2 * health + rng.normal(0, 0.6, size=len(day))), 1, 5)
    nobody = no_contact(account)
    return [
        Batch("ticket_opened", account, contact, opened, {**ticket, **words}),
        Batch(
            "ticket_replied",
            account,
            contact,
            opened + (solved - opened) // 2,
            {**ticket, "sentiment": tone(rng, health)},
        ).where(chance(rng, np.full(len(day), 0.6))),
        Batch(
            "ticket_escalated",
            account,
            nobody,
            opened + (solved - opened) // 3,
            {**ticket, "severity": Words(SEVERITIES, severity)},
        ).where(escalated),
        Batch("ticket_solved", account, nobody, solved, {**ticket, "hours_to_solve": hours}),
        Batch("ticket_rated", account, contact, solved + 5 * HOUR, {**ticket, "rating": rating}).where(
            chance(rng, np.full(len(day), 0.55))
        ),
    ]


def _help(cast: Cast) -> Batch:
    rng = cast.random_stream("help")
    account, day = poisson_days(rng, 0.05 * cast.activity() * week(cast.calendar, 0.2))
    answered = chance(rng, 0.25 + 0.65 * cast.fate.health[account, day])
    contact = some_contact(rng, cast, account, day)
    return Batch("help_searched", account, contact, office_moment(rng, cast, account, day), {"answered": answered})


def answers(rng: np.random.Generator, survey: Floats, health: Floats) -> Floats:
    """Scores on the scale of each survey."""
    worst, scale = np.array(WORST)[survey.astype(np.int64)], np.array(SCALES)[survey.astype(np.int64)]
    liking = np.clip(0.1 + 0.95 * health + rng.normal(0, 0.13, size=len(health)), 0, 1)
    scores: Floats = np.round(worst + (scale - worst) * liking)
    return scores


def _surveys(cast: Cast) -> list[Batch]:
    """Every account is asked something about four times a year; four in ten contacts answer within days."""
    rng = cast.random_stream("surveys")
    account, day = poisson_days(rng, 0.02 * np.sqrt(cast.contact_count)[:, None] * cast.fate.is_alive())
    health = cast.fate.health[account, day]
    contact = some_contact(rng, cast, account, day)
    survey = rng.choice(len(SURVEYS), size=len(day), p=[0.5, 0.35, 0.15])
    sent_at = office_moment(rng, cast, account, day)
    asked = Words(SURVEYS, survey)
    score = answers(rng, survey.astype(np.float64), health)
    worst, scale = np.array(WORST)[survey], np.array(SCALES)[survey]
    answered = Batch(
        "survey_answered",
        account,
        contact,
        sent_at + (rng.exponential(1.5, size=len(day)) * DAY).astype(np.int64),
        {"survey": asked, "score": score, "scale": scale, "score_share": (score - worst) / (scale - worst)},
    )
    return [
        Batch("survey_sent", account, contact, sent_at, {"survey": asked}),
        answered.where(chance(rng, 0.2 + 0.35 * health)),
    ]


def _feedback(cast: Cast) -> Batch:
    rng = cast.random_stream("feedback")
    account, day = poisson_days(rng, 0.008 * np.sqrt(cast.contact_count)[:, None] * (cast.activity() > 0))
    topics = ("product", "price", "speed", "service")
    said: Properties = {
        "sentiment": tone(rng, cast.fate.health[account, day]),
        "topic": Words(topics, rng.integers(len(topics), size=len(day))),
    }
    contact = some_contact(rng, cast, account, day)
    return Batch("feedback_given", account, contact, office_moment(rng, cast, account, day), said)
