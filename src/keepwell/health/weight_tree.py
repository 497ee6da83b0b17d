"""The weight tree of a health model as lines to read, and what each raw signal weighs in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from keepwell.health.health_model import Group, HealthModel, Measure, Neutral
from keepwell.health.package import Package
from keepwell.health.raw_signal import signal_weights
from keepwell.health.weight import WeightTree


@dataclass(frozen=True, slots=True)
class WeightRow:
    """A group or a measure; `nano` is its weight in 1e-9 points of the score, `depth` 0 for the groups at the top."""

    depth: int
    id: str
    title: str
    nano: int
    metric: str | None
    scale: str
    missing: str
    is_self_caused: bool
    is_predictive: bool


def weight_rows(package: Package, model: HealthModel) -> tuple[WeightRow, ...]:
    """The tree from the top, each group before its parts; parts add up to their group exactly."""
    weights = iter(WeightTree(model).nominal)
    return tuple(row for group in model.groups for row in _rows(package, model, group, 0, weights))


def _rows(
    package: Package, model: HealthModel, part: Measure | Group, depth: int, weights: Iterator[int]
) -> list[WeightRow]:
    if isinstance(part, Measure):
        metric = package.metrics[part.metric]
        policy = model.policy(part)
        missing = f"neutral {policy.neutral}" if isinstance(policy, Neutral) else policy
        flags = metric.self_caused, metric.predictive
        return [
            WeightRow(depth, part.metric, metric.title, next(weights), part.metric, part.scale.kind, missing, *flags)
        ]
    inner = [row for one in part.parts for row in _rows(package, model, one, depth + 1, weights)]
    nano = sum(row.nano for row in inner if row.metric is not None)
    return [WeightRow(depth, part.id, part.title, nano, None, "", "", False, False), *inner]


def weight_tree_text(package: Package, model: HealthModel) -> str:
    """The tree with weights, then the raw signals that several measures read, heaviest first."""
    lines = [f"{package.id}/{model.model} v{model.version}: {model.title}"]
    for row in weight_rows(package, model):
        flags = [
            flag for flag, holds in (("self-caused", row.is_self_caused), ("predictive", row.is_predictive)) if holds
        ]
        notes = f"  ({', '.join(flags)})" if flags else ""
        lines.append(f"{shown_points(row.nano):>7}  {'  ' * row.depth}{row.title}{notes}")
    shared = [one for one in signal_weights(package, model) if len(one.metrics) > 1]
    if shared:
        lines += ["", "Raw signals that several measures read, with their total weight:"]
        lines += [f"{shown_points(one.nano):>7}  {one.signal}: {', '.join(one.metrics)}" for one in shared]
    return "\n".join(lines) + "\n"


def shown_points(nano: int) -> str:
    """1e-9 points with two decimals."""
    return f"{Decimal(nano).scaleb(-9):.2f}"
