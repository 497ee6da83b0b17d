"""What every engine does, and what they share: from the log to values of metrics."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from keepwell.facts.event_name import NameCodes
from keepwell.facts.moment import Moment
from keepwell.facts.values import Values
from keepwell.lake.log import EventLog
from keepwell.metrics.compile import Dialect, compile_metrics
from keepwell.metrics.metric import Metric


@dataclass(frozen=True, slots=True)
class Question:
    """Which metrics, for which accounts (None: all), as of which moments.

    `fresh_days` makes the value of a metric missing when its newest event is older than that many days.
    """

    metrics: Mapping[str, Metric]
    names: NameCodes
    moments: Sequence[Moment]
    accounts: Sequence[int] | None = None
    fresh_days: Mapping[str, int] = field(default_factory=dict)

    def under(self, mapping: int) -> "Question":
        """The same question to a log whose rows were derived by this mapping."""
        return replace(self, names={name: told.under(mapping) for name, told in self.names.items()})

    def codes(self, moment: Moment) -> dict[str, int]:
        """The event names that the metrics read and that anybody had told the log by this moment.

        A metric over names nobody had told is missing, not zero.
        """
        known = moment.known_before
        read = {name for metric in self.metrics.values() for wanted in metric.reads() for name in wanted.events}
        return {name: told.code for name, told in self.names.items() if name in read and told.first_known_at < known}

    def alike(self, moments: Sequence[Moment]) -> dict[frozenset[tuple[str, int]], list[Moment]]:
        """The moments by the event names known then: those with the same names share a query."""
        found: dict[frozenset[tuple[str, int]], list[Moment]] = {}
        for moment in moments:
            found.setdefault(frozenset(self.codes(moment).items()), []).append(moment)
        return found


class Queries:
    """Compiles questions into the SQL of an engine and keeps the text; usable from several threads."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._kept: dict[object, str] = {}
        self._lock = threading.Lock()

    def text(self, question: Question, codes: Mapping[str, int], *, apart: bool = False) -> str:
        """The query over `events_as_of` once these event names are known; `apart` as in `compile_metrics`."""
        metrics = tuple((metric_id, metric.model_dump_json()) for metric_id, metric in question.metrics.items())
        key = (metrics, frozenset(codes.items()), frozenset(question.fresh_days.items()), apart)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = compile_metrics(
                    question.metrics, codes, question.fresh_days, self._dialect, apart=apart
                )
            return self._kept[key]


class Engine(Protocol):
    """Answers questions over the log. Every engine gives the same values."""

    def values(self, log: EventLog, question: Question) -> list[Values]:
        """One `Values` per moment, in the order asked."""
        ...


def to_values(rows: pa.Table, question: Question, moment: Moment) -> Values:
    """An engine's answer for one moment as `Values`: sorted by account, missing as NaN."""
    accounts: NDArray[np.int64] = rows["account"].to_numpy()
    order = np.argsort(accounts, kind="stable")
    matrix = np.full((len(order), len(question.metrics)), np.nan)
    for place, metric_id in enumerate(question.metrics):
        column: NDArray[np.float64] = rows[f"m_{metric_id}"].cast(pa.float64()).to_numpy(zero_copy_only=False)
        matrix[:, place] = column[order]
    return Values(moment.as_of, accounts[order], tuple(question.metrics), matrix)


def nobody(question: Question, moment: Moment) -> Values:
    """The answer of a log without files."""
    empty = np.empty((0, len(question.metrics)))
    return Values(moment.as_of, np.empty(0, dtype=np.int64), tuple(question.metrics), empty)
