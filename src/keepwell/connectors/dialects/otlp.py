"""OpenTelemetry metrics over HTTP (OTLP), as protobuf and as JSON.

A data point is an event that is called like its metric, for example `api_calls`. The attribute `account.id` of the
point, or of its resource, names the account; `contact.id`, `user.id` or `enduser.id` the contact. Properties:

- `value`: a gauge, or what a counter counted since `start` where its temporality is delta. These add up as they are.
- `total`: what a counter counted since `start` where its temporality is cumulative or not told. Totals do not add up:
  of one `series` each holds the one before it, and a later `start` begins again at 0. An exporter sends deltas, and
  so values, with `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta`.
- `count`, `sum`, `min` and `max` of a histogram or summary, of the time since `start`; with cumulative temporality
  `total_count` and `total_sum`.
- `start`, `temporality`, `unit`, and `series`, which is the same for all points of one counter of one process.
- The attributes of the point, but for those that name somebody's device or address. One that is called like a property
  above is preceded by `attribute.`.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import ClassVar, Final, Literal

from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from keepwell.connectors.dialect import Dialect, Sender
from keepwell.connectors.kept_event import keep
from keepwell.connectors.strict_json import SORTED, FaultError, strict
from keepwell.connectors.values import RefusedError, happened_at, id_of, name_of, props_text
from keepwell.facts.inbound import BATCH_EVENTS, Inbound, Reading, Refusal, UnreadableError

Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint

_ACCOUNT: Final = ("account.id",)
_CONTACT: Final = ("contact.id", "user.id", "enduser.id")
_SERIES: Final = "keepwell.series"
_PRIVATE: Final = ("client.", "user_agent.", "network.peer.", "net.peer.", "net.sock.peer.", "source.")
_OWN: Final = frozenset(
    [
        "value",
        "total",
        "count",
        "sum",
        "min",
        "max",
        "total_count",
        "total_sum",
        "start",
        "temporality",
        "unit",
        "series",
    ]
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Origin:
    """A resource and a scope, looked at once for all of their points."""

    attributes: Mapping[str, AnyValue]
    series: str | None
    digest: str

    @classmethod
    def of(cls, resource: Resource, scope: InstrumentationScope) -> "_Origin":
        found = {attribute.key: attribute.value for attribute in resource.attributes}
        attributes = {name: found[name] for name in (*_ACCOUNT, *_CONTACT) if name in found}
        told = found[_SERIES].string_value if _SERIES in found else None
        shared: list[object] = [scope.name, scope.version, _sorted(resource.attributes), _sorted(scope.attributes)]
        return cls(attributes, told, _digest(shared))


@dataclass(frozen=True, slots=True)
class _Reported:
    """A point with what it belongs to."""

    origin: _Origin
    metric: Metric
    point: Point
    temporality: str


class Otlp(Dialect):
    kind: ClassVar[Literal["otlp"]] = "otlp"

    def read(self, body: bytes, sender: Sender, *, path: str, headers: Mapping[str, str], known_at: int) -> Reading:
        told = headers.get("content-type", "").lower()
        is_json = "json" in told or ("protobuf" not in told and body.startswith(b"{"))
        return _read(_from_json(body) if is_json else _from_protobuf(body), sender, known_at)

    def replay(self, body: bytes, sender: Sender, *, known_at: int) -> Reading:
        return _read(_from_json(body), sender, known_at)


def _from_protobuf(body: bytes) -> ExportMetricsServiceRequest:
    found = ExportMetricsServiceRequest()
    try:
        found.ParseFromString(body)
    except DecodeError:
        raise UnreadableError("protobuf_invalid", "The body is not an OTLP metrics request.") from None
    return found


def _from_json(body: bytes) -> ExportMetricsServiceRequest:
    try:
        found = ExportMetricsServiceRequest()
        ParseDict(strict(body), found, ignore_unknown_fields=True)
    except FaultError as error:
        raise UnreadableError(error.code, f"The body cannot be read: {error.sentence}") from None
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError):
        raise UnreadableError("otlp_invalid", "The body is not an OTLP metrics request.") from None
    return found


def _read(request: ExportMetricsServiceRequest, sender: Sender, known_at: int) -> Reading:
    found = Reading()
    for place, one in enumerate(_points(request)):
        if place == BATCH_EVENTS:
            raise UnreadableError("too_many_events", f"A request holds at most {BATCH_EVENTS:,} data points.", 413)
        try:
            found.events.append(_event(one, sender, known_at))
        except RefusedError as error:
            keep(found, Refusal(place, error.code, error.sentence, _message_id(one), _kept(one)))
    return found


def _points(request: ExportMetricsServiceRequest) -> Iterator[_Reported]:
    for of_resource in request.resource_metrics:
        for of_scope in of_resource.scope_metrics:
            origin = _Origin.of(of_resource.resource, of_scope.scope)
            for metric in of_scope.metrics:
                points, temporality = _of(metric)
                for point in points:
                    yield _Reported(origin, metric, point, temporality)


def _of(metric: Metric) -> tuple[Sequence[Point], str]:
    """The points of a metric, and whether they tell what came since the last one or since the start."""
    kind = metric.WhichOneof("data")
    if kind is None:
        return (), ""
    if kind in ("gauge", "summary"):
        return getattr(metric, kind).data_points, "" if kind == "gauge" else "cumulative"
    data = getattr(metric, kind)
    is_delta = data.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    return data.data_points, "delta" if is_delta else "cumulative"


def _event(one: _Reported, sender: Sender, known_at: int) -> Inbound:
    name = name_of(one.metric.name, "the metric's name")
    account, contact = _id(one, _ACCOUNT), _id(one, _CONTACT)
    if account is None and contact is None:
        raise RefusedError("no_subject", "neither the point nor its resource has the attribute account.id.")
    if one.point.time_unix_nano == 0:
        raise RefusedError("time_missing", "the point has no time.")
    props = _props(one)
    sender.check(name, props)
    at = happened_at(one.point.time_unix_nano // 1000, None, known_at)
    return Inbound(_message_id(one), name, at, account, contact, props_text(props))


def _id(one: _Reported, names: Iterable[str]) -> str | None:
    for values in ({own.key: own.value for own in one.point.attributes}, one.origin.attributes):
        for name in names:
            if name in values:
                return id_of(_plain(values[name]), name)
    return None


def _props(one: _Reported) -> dict[str, object]:
    props: dict[str, object] = {}
    for attribute in one.point.attributes:
        key = f"attribute.{attribute.key}" if attribute.key in _OWN else attribute.key
        if key in props:
            raise RefusedError("key_twice", f"the attribute {attribute.key[:100]!r} is given twice.")
        if not key.startswith(_PRIVATE) and key not in (*_ACCOUNT, *_CONTACT):
            props[key] = _plain(attribute.value)
    props |= _amounts(one.point, one.temporality == "cumulative")
    if one.point.start_time_unix_nano:
        props["start"] = _iso(one.point.start_time_unix_nano)
    if one.temporality:
        props["temporality"] = one.temporality
    if one.metric.unit:
        props["unit"] = one.metric.unit
    props["series"] = _series(one)
    return props


def _amounts(point: Point, is_cumulative: bool) -> dict[str, object]:
    if isinstance(point, NumberDataPoint):
        kind = point.WhichOneof("value")
        if kind is None:
            raise RefusedError("number_missing", "the point has no value.")
        return {"total" if is_cumulative else "value": _finite(getattr(point, kind))}
    prefix = "total_" if is_cumulative else ""
    found: dict[str, object] = {f"{prefix}count": point.count}
    if isinstance(point, SummaryDataPoint) or point.HasField("sum"):
        found[f"{prefix}sum"] = _finite(point.sum)
    if not isinstance(point, SummaryDataPoint):
        found |= {name: _finite(getattr(point, name)) for name in ("min", "max") if point.HasField(name)}
    return found


def _finite(value: float) -> float:
    if value != value or value in (float("inf"), float("-inf")):
        raise RefusedError("number_not_finite", f"{value} is not a number that can be kept.")
    return value


def _plain(value: AnyValue) -> object:
    """An attribute's value as JSON knows it; bytes as Base64, as OTLP writes them in JSON."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        pairs = [(one.key, _plain(one.value)) for one in value.kvlist_value.values]
        if len(dict(pairs)) < len(pairs):
            raise RefusedError("key_twice", "an attribute holds a key that is given twice.")
        return dict(pairs)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind == "double_value":
        return _finite(value.double_value)
    found: object = getattr(value, kind)
    return found


def _iso(nanoseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=nanoseconds // 1000)).isoformat()


def _series(one: _Reported) -> str:
    """What the points of one counter share, as 32 hexadecimal digits; a kept point tells it."""
    origin, metric = one.origin, one.metric
    if origin.series is not None:
        return origin.series
    names = [metric.name, metric.unit, metric.WhichOneof("data"), one.temporality]
    return _digest([*names, origin.digest, *_sorted(one.point.attributes)])[:32]


def _sorted(attributes: Iterable[KeyValue]) -> list[str]:
    return sorted(one.SerializeToString(deterministic=True).hex() for one in attributes)


def _message_id(one: _Reported) -> str:
    """The same whenever the point is told again, and in whatever order its attributes stand."""
    moments = [one.point.start_time_unix_nano, one.point.time_unix_nano]
    return "otlp-" + _digest([_series(one), *moments])[:32]


def _digest(content: list[object]) -> str:
    return sha256(SORTED.encode(content)).hexdigest()


def _kept(one: _Reported) -> bytes:
    """A request of this point alone, without what no mapping looks at; its series keeps its id."""
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    for name, value in one.origin.attributes.items():
        of_resource.resource.attributes.add(key=name).value.CopyFrom(value)
    of_resource.resource.attributes.add(key=_SERIES).value.string_value = _series(one)
    metric = of_resource.scope_metrics.add().metrics.add()
    metric.name, metric.unit = one.metric.name, one.metric.unit
    kind = one.metric.WhichOneof("data") or ""
    data = getattr(metric, kind)
    if kind not in ("gauge", "summary"):
        data.aggregation_temporality = getattr(one.metric, kind).aggregation_temporality
    point = data.data_points.add()
    point.CopyFrom(one.point)
    if not isinstance(one.point, SummaryDataPoint):
        point.ClearField("exemplars")
    del point.attributes[:]
    point.attributes.extend(attribute for attribute in one.point.attributes if not attribute.key.startswith(_PRIVATE))
    text: str = MessageToJson(request, indent=None)
    return text.encode()
