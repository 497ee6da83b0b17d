"""What pages show of a published health model: its bands, its weight tree and the names of its metrics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from keepwell.health.band import Tier
from keepwell.health.health_model import Group, HealthModel, Measure
from keepwell.health.weight import NANO, WeightTree
from keepwell.metrics.metric import Metric
from keepwell.signals.book import SignalBook
from keepwell.store.models import Member, ModelVersion
from keepwell.store.read.package import model_of, signals_about


@dataclass(frozen=True, slots=True)
class BandFace:
    """Half-open: `lo` belongs to this band, `hi` to the next; only the last holds its `hi`, which is 100."""

    id: str
    label: str
    lo: float
    hi: float
    tier: Tier
    review: str


@dataclass(frozen=True, slots=True)
class MetricFace:
    """`events` are the event names it reads; `days` is its window, None where it has none."""

    id: str
    title: str
    about: str
    unit: str
    events: tuple[str, ...]
    days: int | None


@dataclass(frozen=True, slots=True)
class PartFace:
    """A group (with `parts`) or a measure (with `metric`); `weight` in points of the whole score."""

    id: str
    title: str
    weight: float
    metric: MetricFace | None
    parts: tuple["PartFace", ...]

    def measures(self) -> Iterator["PartFace"]:
        if self.metric is not None:
            yield self
        for part in self.parts:
            yield from part.measures()


@dataclass(frozen=True, slots=True)
class ModelFace:
    """`bands` descend, best first; `signals` are the rules about this model, None for further models of a package."""

    version_id: int
    model: str
    number: int
    title: str
    published_at: datetime
    bands: tuple[BandFace, ...]
    groups: tuple[PartFace, ...]
    metrics: Mapping[str, MetricFace]
    min_coverage: float
    trend_days: int
    signals: SignalBook | None

    @property
    def segments(self) -> Mapping[str, str]:
        """Titles by id."""
        return {name: segment.title for name, segment in self.signals.segments.items()} if self.signals else {}

    @property
    def units(self) -> Mapping[str, str]:
        """Those of the metrics, by id."""
        return {name: metric.unit for name, metric in self.metrics.items()}

    def band(self, band_id: str) -> BandFace | None:
        return next((band for band in self.bands if band.id == band_id), None)

    def rank(self, band_id: str) -> int:
        """0 for the best band; unknown comes after the worst."""
        return next((place for place, band in enumerate(self.bands) if band.id == band_id), len(self.bands))

    def metric_title(self, metric_id: str) -> str:
        metric = self.metrics.get(metric_id)
        return metric.title if metric else _worded(metric_id)


def access_models(member: Member) -> list[ModelFace]:
    """The newest version of every published health model, in the order of publishing."""
    if not member.is_active:
        return []
    newest: dict[str, ModelVersion] = {}
    first_seen: dict[str, int] = {}
    for version in ModelVersion.objects.defer("text").order_by("number", "pk"):
        first_seen.setdefault(version.model, version.pk)
        newest[version.model] = version
    chosen = [newest[model] for model in sorted(newest, key=first_seen.__getitem__)]
    return [_face(version.pk, version.model, version.digest) for version in chosen]


def access_model_version(member: Member, version_id: int) -> ModelFace | None:
    if not member.is_active:
        return None
    known = ModelVersion.objects.filter(pk=version_id).values_list("model", "digest").first()
    return None if known is None else _face(version_id, *known)


@lru_cache(maxsize=64)
def _face(version_id: int, model: str, digest: str) -> ModelFace:
    """A version never changes, so its face is made once; name and digest keep databases of one process apart."""
    return face_of(ModelVersion.objects.get(pk=version_id))


def face_of(version: ModelVersion) -> ModelFace:
    package, model = model_of(version)
    metrics = {name: _metric(name, metric) for name, metric in package.metrics.items()}
    weights = iter(WeightTree(model).nominal)
    return ModelFace(
        version_id=version.pk,
        model=version.model,
        number=version.number,
        title=model.title,
        published_at=version.published_at,
        bands=_bands(model),
        groups=tuple(_part(group, metrics, weights) for group in model.groups),
        metrics=metrics,
        min_coverage=float(model.missing.min_coverage),
        trend_days=model.trend.days,
        signals=signals_about(version),
    )


def _bands(model: HealthModel) -> tuple[BandFace, ...]:
    edges = [float(band.lo) for band in model.bands] + [100.0]
    bands = [
        BandFace(band.id, band.label, lo, hi, band.tier, band.review)
        for band, (lo, hi) in zip(model.bands, pairwise(edges), strict=True)
    ]
    return tuple(reversed(bands))


def _metric(name: str, metric: Metric) -> MetricFace:
    days = getattr(metric, "days", None)
    names = dict.fromkeys(event for wanted in metric.reads() for event in wanted.events)
    about = " ".join(metric.about.split())
    return MetricFace(name, metric.title, about, metric.unit, tuple(names), days if isinstance(days, int) else None)


def _part(part: Measure | Group, metrics: Mapping[str, MetricFace], weights: Iterator[int]) -> PartFace:
    if isinstance(part, Measure):
        metric = metrics[part.metric]
        return PartFace(metric.id, metric.title, next(weights) / NANO, metric, ())
    parts = tuple(_part(inner, metrics, weights) for inner in part.parts)
    return PartFace(part.id, part.title, sum(inner.weight for inner in parts), None, parts)


def _worded(name: str) -> str:
    return name.replace("_", " ").capitalize()
