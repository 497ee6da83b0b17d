"""Why a score changed between two moments, split to the digit.

The change is taken in stages, each answering one question; what a stage moves is its cause's share:

    data       what became missing, or stopped being missing
    ageing     nothing new happened that the measure reads: what there was got older and left its window
    late       facts from before the first moment that became known after it
    behaviour  what happened in between, in place of what left the window meanwhile
    model      another version of the health model, on the same facts

Between the stages each measure keeps the weight it has with the data of both moments, so a measure moves
only by its own value.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from keepwell.facts.values import Values
from keepwell.health.health_model import HealthModel
from keepwell.health.score import score

Cause = Literal["data", "ageing", "late", "behaviour", "model"]
CAUSES: Final[tuple[Cause, ...]] = ("behaviour", "ageing", "late", "data", "model")


@dataclass(frozen=True, slots=True)
class Stages:
    """Values of one account, the same metrics in each but `edited`.

    `before`: as of the first moment. `aged`: as of the second, with the facts of the first. `told`: also with
    facts from before the first moment that became known by the second. `after`: as of the second moment.
    `edited`: as `after`, with the metrics of the later version of the model.
    """

    before: Values
    aged: Values
    told: Values
    after: Values
    edited: Values


@dataclass(frozen=True, slots=True)
class CauseOfChange:
    """What one measure, for one cause, added to the change, in 1e-9 points."""

    metric: str
    cause: Cause
    nano: int


def why_changed(stages: Stages, earlier: HealthModel, later: HealthModel) -> tuple[CauseOfChange, ...]:
    """Every cause that moved the score; they add up to the score after, minus the score before, exactly.

    Each of the `Values` must have one row, that of the account. Largest first.
    """
    both = ~np.isnan(stages.before.matrix) & ~np.isnan(stages.after.matrix)
    before = _only(stages.before, both)
    aged = _filled(_only(stages.aged, both), before)
    told = _filled(_only(stages.told, both), aged)
    after = _only(stages.after, both)
    first, last = _points(stages.before, earlier), _points(stages.after, earlier)
    kept = [_points(values, earlier) for values in (before, aged, told, after)]
    steps: Sequence[tuple[Cause, dict[str, int], dict[str, int]]] = (
        ("data", first, kept[0]),
        ("ageing", kept[0], kept[1]),
        ("late", kept[1], kept[2]),
        ("behaviour", kept[2], kept[3]),
        ("data", kept[3], last),
        ("model", last, _points(stages.edited, later)),
    )
    replaced = {
        metric
        for metric, old, new in zip(after.metrics, told.matrix[0], after.matrix[0], strict=True)
        if old != new and new == new
    }
    moved: dict[tuple[str, Cause], int] = {}
    for cause, old, new in steps:
        for metric in {**old, **new}:
            key: tuple[str, Cause] = (metric, "behaviour" if cause == "ageing" and metric in replaced else cause)
            moved[key] = moved.get(key, 0) + new.get(metric, 0) - old.get(metric, 0)
    lines = [CauseOfChange(metric, cause, nano) for (metric, cause), nano in moved.items() if nano]
    return tuple(sorted(lines, key=lambda line: (-abs(line.nano), line.metric, CAUSES.index(line.cause))))


def _points(values: Values, model: HealthModel) -> dict[str, int]:
    """Contribution of each metric, over all measures that use it."""
    scored = score(values, model)
    found: dict[str, int] = {}
    for metric, nano in zip(scored.measures, scored.contributions[0].tolist(), strict=True):
        found[metric] = found.get(metric, 0) + int(nano)
    return found


def _only(values: Values, kept: NDArray[np.bool_]) -> Values:
    return replace(values, matrix=np.where(kept, values.matrix, np.nan))


def _filled(values: Values, earlier: Values) -> Values:
    """A value that is missing only in between has not moved yet."""
    return replace(values, matrix=np.where(np.isnan(values.matrix), earlier.matrix, values.matrix))
