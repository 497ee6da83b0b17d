"""What pages show of a published health model: its bands, its weight tree and the names of its metrics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import yaml

from keepwell.store.models import Member, ModelVersion

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class BandFace:
    """Half-open: `lo` belongs to this band, `hi` to the next; only the last holds its `hi`, which is 100."""

    id: str
    label: str
    lo: float
    hi: float
    tier: str
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
    """`bands` descend, best first; `segments` are titles by id."""

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
    segments: Mapping[str, str]

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
    package, _, wanted = version.model.partition("/")
    # What a package says itself comes after, and so wins over, what it inherits.
    paths = sorted(version.text, key=lambda path: path.startswith(f"{package}/"))
    files: list[dict[str, Any]] = [found for path in paths if isinstance(found := _read(version.text[path]), dict)]
    model = next((file for file in files if file.get("model") == wanted), {})
    metrics = {name: _metric(name, entry) for file in files for name, entry in (file.get("metrics") or {}).items()}
    return ModelFace(
        version_id=version.pk,
        model=version.model,
        number=version.number,
        title=str(model.get("title") or wanted),
        published_at=version.published_at,
        bands=_bands(model.get("bands") or []),
        groups=tuple(_part(group, float(group["weight"]), metrics) for group in model.get("groups") or []),
        metrics=metrics,
        min_coverage=float((model.get("missing") or {}).get("min_coverage", 0)),
        trend_days=int((model.get("trend") or {}).get("days", 30)),
        segments={str(entry["id"]): str(entry["title"]) for entry in model.get("segments") or []},
    )


def _read(text: object) -> object:
    return yaml.safe_load(text) if isinstance(text, str) else text


def _bands(entries: list[dict[str, Any]]) -> tuple[BandFace, ...]:
    edges = [float(entry["lo"]) for entry in entries] + [100.0]
    bands = [
        BandFace(
            id=str(entry["id"]),
            label=str(entry.get("label") or _worded(str(entry["id"]))),
            lo=edges[place],
            hi=edges[place + 1],
            tier=str(entry.get("tier", "watch")),
            review=str(entry.get("review", "")),
        )
        for place, entry in enumerate(entries)
    ]
    return tuple(reversed(bands))


def _metric(name: str, entry: Mapping[str, Any]) -> MetricFace:
    days = entry.get("days")
    return MetricFace(
        id=name,
        title=str(entry.get("title") or _worded(name)),
        about=" ".join(str(entry.get("about", "")).split()),
        unit=str(entry.get("unit", "number")),
        events=tuple(dict.fromkeys(_event_names(entry))),
        days=days if isinstance(days, int) else None,
    )


def _event_names(entry: object) -> Iterator[str]:
    """Names under every `events` key; a kind may read several sets of them."""
    if not isinstance(entry, Mapping):
        return
    for key, value in entry.items():
        if key == "events" and isinstance(value, list):
            yield from (str(name) for name in value)
        else:
            yield from _event_names(value)


def _part(entry: Mapping[str, Any], weight: float, metrics: Mapping[str, MetricFace]) -> PartFace:
    if "metric" in entry:
        name = str(entry["metric"])
        metric = metrics.get(name) or MetricFace(name, _worded(name), "", "number", (), None)
        return PartFace(name, metric.title, weight, metric, ())
    children = entry.get("parts") or []
    is_equal = entry.get("weights") == "equal"
    total = sum(float(child.get("weight", 0)) for child in children) or 1.0
    shares = [weight / len(children) if is_equal else weight * float(child["weight"]) / total for child in children]
    parts = tuple(_part(child, share, metrics) for child, share in zip(children, shares, strict=True))
    return PartFace(str(entry["id"]), str(entry.get("title") or _worded(str(entry["id"]))), weight, None, parts)


def _worded(name: str) -> str:
    return name.replace("_", " ").capitalize()
