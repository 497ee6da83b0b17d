"""Small health models and values for tests, and random ones for properties."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

import keepwell.models
from keepwell.base.yaml_source import Yaml, read_yaml
from keepwell.facts.values import Values
from keepwell.health.health_model import HealthModel
from keepwell.health.load import load_package
from keepwell.health.package import Package, PackageText

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
NAN = float("nan")

CATALOGUE = """\
events:
  signed_in:
    title: Signed in
    aliases: [Login]
    properties:
      minutes: {type: number}
      how: {type: text}
  paid:
    title: Paid
    properties:
      amount: {type: number}
      on_time: {type: boolean}
"""
METRICS = """\
metrics:
  active_rate:
    title: Active rate
    kind: active_days_rate
    unit: share
    better: up
    events: [signed_in]
    days: 30
  payments:
    title: Payments
    kind: count
    unit: count
    better: up
    events: [paid]
    where: {on_time: true}
    days: 90
  seats:
    title: Seats
    kind: last_value
    unit: count
    better: up
    events: [paid]
    property: amount
"""
MODEL = """\
model: small
title: Health
version: 1
bands:
  - {id: low, lo: 0, label: LOW, colour: red, icon: stop, tier: act}
  - {id: high, lo: 50, label: HIGH, colour: green, icon: disc, tier: grow}
hysteresis: {leave_margin: 2, hold: 24h, except: [low]}
groups:
  - id: usage
    title: Usage
    weight: 60
    parts:
      - metric: active_rate
        weight: 60
        scale: {kind: curve, points: [[0, 0], [0.7, 100]]}
  - id: money
    title: Money
    weight: 40
    parts:
      - metric: payments
        weight: 25
        scale: {kind: linear, from: 0, to: 4}
      - metric: seats
        weight: 15
        scale: {kind: steps, steps: [[0, 0], [5, 50], [20, 100]]}
"""
HEADER = "package: sample\ntitle: Sample\nversion: 1\nmodels: [model.yaml]\n"


def sample(**changed: str) -> PackageText:
    """A package that passes every check, with some of its files (by name without `.yaml`) changed."""
    texts = {"package": HEADER, "catalogue": CATALOGUE, "metrics": METRICS, "model": MODEL, **changed}
    return PackageText("models/sample", {f"{name}.yaml": text for name, text in texts.items()})


def shipped_texts() -> dict[str, PackageText]:
    root = Path(next(iter(keepwell.models.__path__)))
    return {
        folder.name: PackageText(
            f"models/{folder.name}", {file.name: file.read_text() for file in folder.glob("*.yaml")}
        )
        for folder in sorted(root.iterdir())
        if (folder / "package.yaml").exists()
    }


def shipped(name: str) -> Package:
    texts = shipped_texts()
    return load_package(texts[name], texts)


def health_model(text: str = MODEL) -> HealthModel:
    return HealthModel.model_validate(read_yaml("model.yaml", text).data)


def model_of(groups: Sequence[Yaml], **changed: Yaml) -> HealthModel:
    bands: list[Yaml] = [
        {"id": "low", "lo": 0, "label": "LOW", "colour": "red", "icon": "stop", "tier": "act"},
        {"id": "high", "lo": 50, "label": "HIGH", "colour": "green", "icon": "disc", "tier": "grow"},
    ]
    given: dict[str, Yaml] = {"model": "any", "title": "Any", "version": 1, "bands": bands, "groups": list(groups)}
    return HealthModel.model_validate({**given, **changed})


def values_of(rows: Sequence[Mapping[str, float]], metrics: Sequence[str]) -> Values:
    """Accounts 1, 2, … with the values given; what is not given is missing."""
    matrix = np.array([[row.get(metric, NAN) for metric in metrics] for row in rows], dtype=np.float64)
    return Values(AS_OF, np.arange(1, len(rows) + 1), tuple(metrics), matrix.reshape(len(rows), len(metrics)))


def matrix_of(matrix: np.ndarray, metrics: Sequence[str]) -> Values:  # type: ignore[type-arg]
    return Values(AS_OF, np.arange(1, len(matrix) + 1), tuple(metrics), matrix)


def split(draw: st.DrawFn, whole: Decimal, parts: int) -> list[Decimal]:
    """Positive decimals of at most 9 places that add up to the whole."""
    units = int(whole.scaleb(9))
    cuts = sorted(draw(st.sets(st.integers(1, units - 1), min_size=parts - 1, max_size=parts - 1)))
    edges = [0, *cuts, units]
    return [Decimal(high - low).scaleb(-9) for low, high in pairwise(edges)]


CURVES = st.lists(st.integers(-50, 50), min_size=2, max_size=5, unique=True)


@st.composite
def scales(draw: st.DrawFn) -> dict[str, Yaml]:
    """A rising scale of any kind."""
    values = sorted(draw(CURVES))
    points = sorted(draw(st.lists(st.integers(0, 100), min_size=len(values), max_size=len(values))))
    corners: list[Yaml] = [[value / 10, point] for value, point in zip(values, points, strict=True)]
    kind = draw(st.sampled_from(["curve", "linear", "steps"]))
    if kind == "linear":
        return {"kind": "linear", "from": values[0] / 10, "to": values[-1] / 10}
    return {"kind": kind, "points" if kind == "curve" else "steps": corners}


@st.composite
def models(draw: st.DrawFn, policies: bool = True) -> HealthModel:
    """A valid model: a random tree up to three levels deep, with decimal or equal weights."""
    names = iter(range(1000))

    def measure() -> dict[str, Yaml]:
        found: dict[str, Yaml] = {"metric": f"m{next(names)}", "scale": draw(scales())}
        policy = draw(st.sampled_from(["", "exclude", "redistribute_in_group", "neutral"])) if policies else ""
        if policy:
            found["missing"] = {"neutral": draw(st.integers(0, 100))} if policy == "neutral" else policy
        return found

    def group(depth: int) -> dict[str, Yaml]:
        size = draw(st.integers(1, 4))
        parts: list[Yaml] = [
            group(depth + 1) if depth < 3 and draw(st.booleans()) and draw(st.booleans()) else measure()
            for _ in range(size)
        ]
        return {"id": f"g{next(names)}", "title": "G", "parts": parts}

    def weigh(part: dict[str, Yaml], weight: Decimal | None) -> None:
        if weight is not None:
            part["weight"] = weight  # type: ignore[assignment]
        inner = part.get("parts")
        if isinstance(inner, list):
            # A weight too small to be split in billionths is shared alike.
            is_equal = weight is None or weight.scaleb(9) < 1000 or draw(st.booleans())
            if is_equal:
                part["weights"] = "equal"
            shares = [None] * len(inner) if weight is None or is_equal else split(draw, weight, len(inner))
            for one, share in zip(inner, shares, strict=True):
                assert isinstance(one, dict)
                weigh(one, share)

    groups = [group(1) for _ in range(draw(st.integers(1, 4)))]
    for one, weight in zip(groups, split(draw, Decimal(100), len(groups)), strict=True):
        weigh(one, weight)
    return model_of(list(groups))


@st.composite
def values(draw: st.DrawFn, model: HealthModel, rows: int = 6) -> Values:
    """Values in tenths from -6 to 6, about a fifth of them missing."""
    metrics = model.metrics()
    cell = st.one_of(st.integers(-60, 60).map(lambda number: number / 10), st.floats(-6, 6), st.just(NAN))
    row = st.lists(cell, min_size=len(metrics), max_size=len(metrics))
    matrix = np.array(draw(st.lists(row, min_size=1, max_size=rows)), dtype=np.float64)
    return matrix_of(matrix, metrics)
