"""What a worker says of itself in its log."""

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keepwell.jobs.cycle import CycleReport

# A line for every turn would be one a second.
EVERY_S: Final = 10.0


class WorkerReport:
    """Adds turns up and tells of them from time to time; turns with nothing to do are not told."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._told_s = 0.0
        self._counts = Counter[str]()
        self._seconds: dict[str, float] = {}

    def add(self, turn: "CycleReport", took: float, *, now: float) -> None:
        """`took` and `now` are seconds of one clock that only runs forward."""
        if not turn.was_idle:
            self._counts.update(turns=1, sealed=turn.sealed, accepted=turn.accepted, scored=turn.scored)
            for part, seconds in {"turn": took, **turn.seconds}.items():
                self._seconds[part] = self._seconds.get(part, 0.0) + seconds
        if self._counts and now - self._told_s >= EVERY_S:
            self._tell()
            self._told_s = now

    def _tell(self) -> None:
        counts, turns = self._counts, self._counts["turns"]
        parts = ", ".join(f"{part} {seconds / turns:.2f}" for part, seconds in self._seconds.items() if part != "turn")
        self._log.info(
            "Sealed %d events, %d of them new; scored %d accounts; %d turns, of which each took %.2f s on average (%s)",
            counts["sealed"],
            counts["accepted"],
            counts["scored"],
            turns,
            self._seconds["turn"] / turns,
            parts,
        )
        self._counts.clear()
        self._seconds.clear()
