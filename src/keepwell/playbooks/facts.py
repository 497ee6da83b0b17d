"""What is known of one account when an enrolment is looked at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keepwell.health.weight import NANO
from keepwell.signals.condition import When
from keepwell.signals.panel import Panel

ROW: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`panel` has the one row of the account.

    `replied_at` is the first answer of the contact since the enrolment, on whatever channel. `is_signal_open` says
    whether the signal that started the enrolment still holds, None where that cannot be said. `is_unwise` says that
    nothing should be celebrated at the account; it may be left out where no step celebrates.
    """

    panel: Panel
    replied_at: datetime | None = None
    is_churned: bool = False
    is_opted_out: bool = False
    is_signal_open: bool | None = None
    is_unwise: bool = False

    def score_and_band(self) -> tuple[float | None, str]:
        """The score in points and the id of its band; None and "" where it has none."""
        panel, band = self.panel, int(self.panel.band[ROW])
        score = int(panel.nano_points[ROW]) / NANO if panel.has_score[ROW] else None
        return score, panel.bands[band] if band >= 0 else ""

    def truth(self, when: When) -> int:
        """Whether a condition holds now: 1, -1, or 0 where nobody can say."""
        return int(when.truth(self.panel)[ROW])
