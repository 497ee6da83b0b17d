"""Experts: they write a diagnosis of an account from what is known of it, and promise nothing.

One kind of expert is one class in one file of `experts/`; a step `consult` names it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from keepwell.base.business_time import Calendar
from keepwell.base.registry import kinds
from keepwell.facts.notice import Severity
from keepwell.health.change import Cause

FOLDER: Final = "keepwell.playbooks.experts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The events that a number comes from: those of the last `days` days, None where it reads all there ever were.

    `newest` names the newest of them, "" where there is none.
    """

    events: int
    days: int | None
    newest: str = ""
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A measure that costs points, all in 1e-9 points. `change_nano` is what it moved the score since
    `ScoreGrounds.compared_at`, split by `causes`; None where there was no score to compare with."""

    title: str
    unit: str
    value: float | None
    weight_nano: int
    lost_nano: int
    sample: Sample
    value_before: float | None = None
    change_nano: int | None = None
    causes: tuple[tuple[Cause, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreGrounds:
    """The score that the diagnosis is about. `losses` cost most first; `missing` are measures without data.

    `nano_points` is None where no measure had data. `compared_at` is when the earlier score was made, None where there
    is none.
    """

    as_of: datetime
    nano_points: int | None
    band: str
    band_since: datetime | None
    coverage: float
    losses: tuple[Loss, ...] = ()
    missing: tuple[str, ...] = ()
    compared_at: datetime | None = None
    nano_points_before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """`sentence` has its numbers as they were when it opened; `action` is what its rule says to do, "" for nothing."""

    title: str
    severity: Severity
    opened_at: datetime
    sentence: str
    action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A metric beside the score, such as open tickets; `value` is None where nothing is known."""

    title: str
    unit: str
    value: float | None
    sample: Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """All that an expert goes by. `score` is None where the account has none; `alerts` are open, the most severe
    first. Moments are told by `calendar`, the team's."""

    account: str
    as_of: datetime
    calendar: Calendar
    score: ScoreGrounds | None
    alerts: tuple[OpenAlert, ...] = ()
    figures: tuple[Figure, ...] = ()


class Expert:
    """Writes a diagnosis. `kind` is the name of its file.

    The text says nothing that is not in the grounds, names what is not known, and promises nothing.
    """

    kind: ClassVar[str]

    def diagnosis(self, grounds: Grounds) -> str:
        """Plain text, in paragraphs."""
        raise NotImplementedError


def experts() -> dict[str, type[Expert]]:
    """All there are, by the names that steps call them by."""
    return kinds(FOLDER, Expert)
