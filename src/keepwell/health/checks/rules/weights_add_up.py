"""The weights of a group's parts add up to the weight of the group, and the groups of a model to 100.

They are added as decimals, so 0.1 and 0.2 are 0.3. A group with `weights: equal` needs no weights inside: its parts
share the group's weight alike, and a part must then not carry one.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import ClassVar, Literal

from keepwell.base.yaml_source import Path, YamlSource
from keepwell.health.checks.check import Check, Issue, error, models_of
from keepwell.health.health_model import Group, Measure
from keepwell.health.package import Package


class WeightsAddUp(Check):
    kind: ClassVar[Literal["weights_add_up"]] = "weights_add_up"

    def issues(self, package: Package) -> Iterator[Issue]:
        for model, source in models_of(package):
            for number, group in enumerate(model.groups):
                path: Path = ("groups", number)
                if group.weight is None:
                    yield error(source.problem(path, f"group '{group.id}' has no weight."))
                yield from _group(source, path, group)
            total = _sum(model.groups)
            if total is not None and total != 100:
                sentence = f"weights of the groups of '{model.model}' add up to {plain(total)}; the score weighs 100."
                yield error(source.problem(("groups",), sentence))


def _group(source: YamlSource, path: Path, group: Group) -> Iterator[Issue]:
    for number, part in enumerate(group.parts):
        inner: Path = (*path, "parts", number)
        if group.weights == "equal" and part.weight is not None:
            sentence = f"{label(part)} carries a weight, but the parts of group '{group.id}' weigh equally; remove it."
            yield error(source.problem((*inner, "weight"), sentence))
        elif group.weights is None and part.weight is None:
            sentence = f"{label(part)} has no weight; give it one, or write 'weights: equal' in group '{group.id}'."
            yield error(source.problem(inner, sentence))
        if isinstance(part, Group):
            yield from _group(source, inner, part)
    total = None if group.weights == "equal" else _sum(group.parts)
    if total is not None and group.weight is not None and total != group.weight:
        sentence = f"weights of group '{group.id}' add up to {plain(total)}; the group weighs {plain(group.weight)}."
        yield error(source.problem(path, sentence))


def _sum(parts: Sequence[Measure | Group]) -> Decimal | None:
    """None as long as a weight is missing, which is told by itself."""
    weights = [part.weight for part in parts if part.weight is not None]
    return sum(weights, Decimal(0)) if len(weights) == len(parts) else None


def label(part: Measure | Group) -> str:
    return f"group '{part.id}'" if isinstance(part, Group) else f"measure '{part.metric}'"


def plain(number: Decimal) -> str:
    """Without trailing zeros and without an exponent."""
    return f"{number.normalize():f}"
