"""Tells which measures weigh most, since when, and what is open, from the explained score; it guesses nothing."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final, Literal

from keepwell.base.business_time import Calendar
from keepwell.base.figure import MINUS, measured
from keepwell.base.wall_time import local_time
from keepwell.health.change import Cause
from keepwell.health.weight import NANO
from keepwell.playbooks.expert import Expert, Grounds, Loss, OpenAlert, Sample, ScoreGrounds

LOSSES_TOLD: Final = 3
ACTS_TOLD: Final = 3
# Less than a tenth of a point is shown as nothing.
LEAST_NANO: Final = NANO // 10
CAUSES: Final[Mapping[Cause, str]] = {
    "behaviour": "what happened since",
    "ageing": "older events that left its period, with nothing new in their place",
    "late": "what became known late",
    "data": "data that came or went",
    "model": "another version of the model",
}


class Explained(Expert):
    kind: ClassVar[Literal["explained"]] = "explained"

    def diagnosis(self, grounds: Grounds) -> str:
        head = (
            f"{grounds.account}, as of {_moment(grounds.as_of, grounds.calendar)}. All of this is from the event log."
        )
        parts = [
            [head],
            _about_score(grounds),
            _titled("What weighs most", _losses(grounds)),
            _titled("What is open, and other figures", _opened(grounds)),
            _titled("What is not known", _unknown(grounds)),
            _titled("What to look at next", _next(grounds)),
        ]
        return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _titled(title: str, lines: Iterator[str]) -> list[str]:
    found = list(lines)
    return [title, *found] if found else []


def _about_score(grounds: Grounds) -> list[str]:
    score = grounds.score
    if score is None:
        return ["There is no score of this account, so it cannot be said what weighs on it."]
    if score.nano_points is None:
        return ["No measure of the score has data, so it cannot be said what weighs on it."]
    since = f" since {_moment(score.band_since, grounds.calendar)}" if score.band_since else ""
    found = [f"The score is {_points(score.nano_points)} of 100, in the band {score.band}{since}."]
    if score.compared_at is not None and score.nano_points_before is not None:
        day, change = _day(score.compared_at, grounds.calendar), score.nano_points - score.nano_points_before
        found.append(f"On {day} it was {_points(score.nano_points_before)}; {_changed(change)} since.")
    else:
        found.append("There is no earlier score to compare it with.")
    found.append(f"Measures with data are {measured(score.coverage, 'share')} of the model's weight.")
    return found


def _losses(grounds: Grounds) -> Iterator[str]:
    score = grounds.score
    if score is None or score.nano_points is None:
        return
    if not score.losses:
        yield "No measure with data costs a point or more."
    for number, loss in enumerate(score.losses[:LOSSES_TOLD], start=1):
        yield f"{number}. {loss.title}: costs {_points(loss.lost_nano)} of its {_points(loss.weight_nano)} points."
        yield f"   {_value_told(loss, score, grounds.calendar)}"
        yield f"   {_sample_told(loss.sample, grounds.calendar)}"
    rest = score.losses[LOSSES_TOLD:]
    if rest:
        told = ", ".join(f"{loss.title} ({_points(loss.lost_nano)})" for loss in rest)
        yield f"Further: {told}."


def _value_told(loss: Loss, score: ScoreGrounds, calendar: Calendar) -> str:
    found = f"Its value is {measured(loss.value, loss.unit)}"
    if score.compared_at is None or loss.change_nano is None:
        return f"{found}."
    day = _day(score.compared_at, calendar)
    before = "no data" if loss.value_before is None else measured(loss.value_before, loss.unit)
    if abs(loss.change_nano) < LEAST_NANO:
        return f"{found}; on {day} it was {before}, and it costs as much as then."
    causes = [f"{CAUSES[cause]} ({_signed(nano)})" for cause, nano in loss.causes if abs(nano) >= LEAST_NANO]
    because = f", by {' and '.join(causes)}" if causes else ""
    return f"{found}; on {day} it was {before}. It moved the score by {_signed(loss.change_nano)} points{because}."


def _sample_told(sample: Sample, calendar: Calendar) -> str:
    period = "Of all times" if sample.days is None else f"Of the last {sample.days} days"
    if not sample.events:
        return f"{period} there is no event that it reads."
    noun = "event" if sample.events == 1 else "events"
    found = f"{period} it reads {sample.events:,} {noun}"
    if sample.newest_at is None:
        return f"{found}."
    return f"{found}, the newest {sample.newest} on {_moment(sample.newest_at, calendar)}."


def _opened(grounds: Grounds) -> Iterator[str]:
    for alert in grounds.alerts:
        yield f"- {_alert_told(alert, grounds.calendar)}"
    for figure in grounds.figures:
        if figure.value is not None:
            told = _sample_told(figure.sample, grounds.calendar)
            yield f"- {figure.title}: {measured(figure.value, figure.unit)}. {told}"
    if not grounds.alerts:
        yield "- No alert is open."


def _alert_told(alert: OpenAlert, calendar: Calendar) -> str:
    numbers = f" {alert.sentence.rstrip('.')}." if alert.sentence else ""
    since = _moment(alert.opened_at, calendar)
    return f"Alert of severity {alert.severity} since {since}: {alert.title.rstrip('.')}.{numbers}"


def _unknown(grounds: Grounds) -> Iterator[str]:
    if grounds.score is not None:
        yield from (f"- {title}: no data, so it counts for nothing." for title in grounds.score.missing)
    yield from (f"- {one.title}: no data." for one in grounds.figures if one.value is None)


def _next(grounds: Grounds) -> Iterator[str]:
    for alert in [one for one in grounds.alerts if one.action][:ACTS_TOLD]:
        yield f"- For “{alert.title}”: {alert.action}"
    losses = grounds.score.losses if grounds.score is not None else ()
    falls = [loss for loss in losses if (loss.change_nano or 0) <= -LEAST_NANO]
    fallen = min(falls, key=lambda loss: loss.change_nano or 0, default=None)
    for loss in dict.fromkeys([*losses[:1], *([fallen] if fallen is not None else [])]):
        yield f"- The events behind “{loss.title}”, on the account's page{_which(loss.sample)}."
    if grounds.score is not None and grounds.score.missing:
        yield f"- Why there is no data for {grounds.score.missing[0]}: whether its source tells it at all."


def _which(sample: Sample) -> str:
    return f": {sample.events:,} in the last {sample.days} days" if sample.days is not None else ""


def _changed(nano: int) -> str:
    if abs(nano) < LEAST_NANO:
        return "it has not changed"
    return f"{_points(abs(nano))} points {'lower' if nano < 0 else 'higher'}"


def _points(nano: int) -> str:
    return f"{nano / NANO:.1f}"


def _signed(nano: int) -> str:
    return f"{nano / NANO:+.1f}".replace("-", MINUS)


def _moment(at: datetime, calendar: Calendar) -> str:
    return f"{local_time(at, calendar.place):%-d %b %Y, %H:%M} {calendar.zone}"


def _day(at: datetime, calendar: Calendar) -> str:
    return f"{local_time(at, calendar.place):%-d %b %Y}"
