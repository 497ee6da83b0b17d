"""The weight tree of the account page: every level adds up to what stands above it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from keepwell.jobs.read_account import Explanation, MeasureLine
from keepwell.store.read.health_model import MetricFace, ModelFace, PartFace
from keepwell.web.pages.weight_tree import TreeRow, tree_rows

NOW = datetime(2026, 11, 20, tzinfo=UTC)
METRIC = MetricFace("metric", "Metric", "", "count", ("signed_in",), 30)
NANO_POINTS = st.integers(0, 100 * 10**9)


@st.composite
def models(draw: st.DrawFn) -> ModelFace:
    """A tree of up to four levels; the metric of every measure is its own."""
    numbers = count()

    def part(depth: int) -> PartFace:
        name = f"p{next(numbers)}"
        if depth == 3 or draw(st.booleans()):
            return PartFace(name, name, 1.0, METRIC, ())
        parts = tuple(part(depth + 1) for _ in range(draw(st.integers(1, 4))))
        return PartFace(name, name, 1.0, None, parts)

    groups = tuple(
        PartFace(f"g{number}", "G", 1.0, None, tuple(part(1) for _ in range(draw(st.integers(1, 4)))))
        for number in range(draw(st.integers(1, 4)))
    )
    return ModelFace(1, "any/any", 1, "Any", NOW, (), groups, {}, 0.6, 30, None)


def parts_of(rows: Sequence[TreeRow], place: int) -> list[TreeRow]:
    """The rows one level below a row, which follow it."""
    found = []
    for row in rows[place + 1 :]:
        if row.depth <= rows[place].depth:
            break
        if row.depth == rows[place].depth + 1:
            found.append(row)
    return found


@given(models(), st.data())
def test_every_level_adds_up_to_its_parent(model: ModelFace, data: st.DataObject) -> None:
    measures = [measure.id for group in model.groups for measure in group.measures()]
    lines = []
    # A record may lack a measure that the model has: one that was added since.
    for metric in data.draw(st.lists(st.sampled_from(measures), unique=True)):
        weight = data.draw(NANO_POINTS)
        points, value = data.draw(st.integers(0, weight)), data.draw(st.none() | st.floats(0, 9))
        lines.append(MeasureLine(metric, value, points, weight))
    rows = tree_rows(model, Explanation(1, 1, NOW, None, "", 1.0, "", None, tuple(lines), (), ()))

    assert [row.id for row in rows if not row.is_group] == measures
    for place, row in enumerate(rows):
        parts = parts_of(rows, place)
        assert row.is_group == bool(parts)
        if parts:
            assert row.weight_nano == sum(part.weight_nano for part in parts)
            assert row.points_nano == sum(part.points_nano for part in parts)
            assert (row.counted, row.measures) == (sum(p.counted for p in parts), sum(p.measures for p in parts))
        assert row.is_missing == (row.counted == 0)
        assert 0 <= row.fill <= row.bar
    top = [row for row in rows if row.depth == 0]
    assert sum(row.weight_nano for row in top) == sum(line.weight_nano for line in lines)
    assert sum(row.points_nano for row in top) == sum(line.points_nano for line in lines)
