"""What every engine does, and what they share: from the log to values of metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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

    def sql(self, dialect: Dialect) -> str:
        codes = {name: entry.code for name, entry in self.names.items() if name in self._read()}
        return compile_metrics(self.metrics, codes, self.fresh_days, dialect)

    def cache_key(self) -> object:
        """Equal for questions that compile to the same query."""
        read = sorted(self._read())
        return (
            tuple((metric_id, metric.model_dump_json()) for metric_id, metric in self.metrics.items()),
            tuple((name, self.names[name].code) for name in read if name in self.names),
            tuple(sorted(self.fresh_days.items())),
        )

    def silent(self, moment: Moment) -> list[str]:
        """Metrics none of whose event names anybody had told the log by this moment: missing, not zero."""
        return [
            metric_id
            for metric_id, metric in self.metrics.items()
            if metric.reads() and not any(self._was_known(name, moment.known_before) for name in _names(metric))
        ]

    def _was_known(self, name: str, at: datetime) -> bool:
        return name in self.names and self.names[name].first_known_at < at

    def _read(self) -> set[str]:
        return {name for metric in self.metrics.values() for name in _names(metric)}


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
    silent = set(question.silent(moment))
    for place, metric_id in enumerate(question.metrics):
        if metric_id not in silent:
            column: NDArray[np.float64] = rows[f"m_{metric_id}"].cast(pa.float64()).to_numpy(zero_copy_only=False)
            matrix[:, place] = column[order]
    return Values(moment.as_of, accounts[order], tuple(question.metrics), matrix)


def nobody(question: Question, moment: Moment) -> Values:
    """The answer of a log without files."""
    empty = np.empty((0, len(question.metrics)))
    return Values(moment.as_of, np.empty(0, dtype=np.int64), tuple(question.metrics), empty)


def _names(metric: Metric) -> set[str]:
    return {name for wanted in metric.reads() for name in wanted.events}
