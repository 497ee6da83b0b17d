"""The shipped packages as their files say, and questions that the conformance tests ask of them."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from importlib.resources import files

from keepwell.health.health_model import Group, HealthModel, Measure
from keepwell.health.held_band import raw_band
from keepwell.health.load import load_package
from keepwell.health.package import Package, PackageText
from keepwell.health.score import nano
from keepwell.metrics.metric import Metric

SHIPPED = ("saas", "crypto")


def text_of(package: str) -> PackageText:
    folder = files("keepwell") / "models" / package
    texts = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".yaml")}
    return PackageText(f"models/{package}", texts)


@cache
def shipped(package: str) -> Package:
    return load_package(text_of(package), {name: text_of(name) for name in SHIPPED})


def groups(model: HealthModel) -> dict[str, Group]:
    return {part.id: part for _, part in model.walk() if isinstance(part, Group)}


def measures_of(group: Group) -> dict[str, Measure]:
    return {part.metric: part for part in group.parts if isinstance(part, Measure)}


def band_at(model: HealthModel, score: str) -> str:
    return raw_band(nano(Decimal(score)), model)


def properties_read(package: Package, metric: Metric) -> Iterator[str]:
    """`event.property` of all that a metric reads, or the event alone; what other metrics read for it is included.

    Fails when the catalogue lacks the event, or the event lacks a property that a condition asks for.
    """
    for wanted in metric.reads():
        for event in wanted.events:
            declared = package.catalogue.events[event].properties
            for name in wanted.properties():
                assert name in declared, f"{event} does not carry {name}, which '{metric.title}' reads"
            yield event
            yield from (f"{event}.{name}" for name in metric.properties() if name in declared)
    for name in metric.uses():
        yield from properties_read(package, package.metrics[name])


def reads(package: Package, metric_id: str) -> set[str]:
    return set(properties_read(package, package.metrics[metric_id]))
