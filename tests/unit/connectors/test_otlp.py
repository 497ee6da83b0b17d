"""OpenTelemetry metrics: one event per data point, of which only what adds up is called `value`."""

import json
from collections.abc import Callable

import pytest
from google.protobuf.json_format import MessageToJson, Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint

from keepwell.facts.inbound import BATCH_EVENTS, Reading, UnreadableError
from tests.unit.connectors.dialect_case import DIALECTS, KNOWN_AT, SECOND, SERVER, codes, props_of, read

# What npm @opentelemetry/exporter-metrics-otlp-http 0.223.0 sent over loopback, shortened.
NODE = """{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],
"droppedAttributesCount":0},"scopeMetrics":[{"scope":{"name":"app","version":""},"metrics":[
{"name":"api_calls","description":"","unit":"","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
 {"attributes":[{"key":"account.id","value":{"stringValue":"acme"}},{"key":"route","value":{"stringValue":"/x"}},
 {"key":"client.address","value":{"stringValue":"203.0.113.7"}}],
 "startTimeUnixNano":"1795168000000000000","timeUnixNano":"1795168799123456789","asDouble":3}]}},
{"name":"latency","description":"","unit":"ms","histogram":{"aggregationTemporality":2,"dataPoints":[
 {"attributes":[{"key":"account.id","value":{"stringValue":"acme"}}],"bucketCounts":[0,0,1],"explicitBounds":[0,5],
 "count":1,"sum":12.5,"min":12.5,"max":12.5,"startTimeUnixNano":"1795168000000000000",
 "timeUnixNano":"1795168799000000000"}]}}]}]}]}"""


def request() -> ExportMetricsServiceRequest:
    return Parse(NODE, ExportMetricsServiceRequest())


def changed(change: Callable[[NumberDataPoint], object], *, is_json: bool = False) -> Reading:
    """What is read when the first point is another one."""
    told = request()
    change(told.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0])
    return read("otlp", MessageToJson(told).encode() if is_json else told.SerializeToString())


def test_protobuf_and_json_tell_the_same() -> None:
    as_json = read("otlp", NODE.encode(), headers={"content-type": "application/json"})
    as_protobuf = read("otlp", request().SerializeToString(), headers={"content-type": "application/x-protobuf"})
    assert as_json == as_protobuf == read("otlp", request().SerializeToString())
    calls, latency = as_json.events
    assert (calls.name, calls.account, calls.contact) == ("api_calls", "acme", None)
    assert (latency.name, latency.account) == ("latency", "acme")
    assert calls.at == KNOWN_AT - 876_544
    first, second = props_of(as_json)
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    series = [first.pop("series"), second.pop("series")]
    assert len(set(series)) == 2
    start = "2026-11-20T09:46:40+00:00"
    assert first == {"route": "/x", "total": 3.0, "start": start, "temporality": "cumulative"}
    amounts = {"total_count": 1, "total_sum": 12.5, "min": 12.5, "max": 12.5}
    assert second == {**amounts, "start": start, "temporality": "cumulative", "unit": "ms"}


def test_protobuf_that_looks_like_json_behind_a_line_break_is_protobuf() -> None:
    told = ExportMetricsServiceRequest()
    metric = told.resource_metrics.add().scope_metrics.add().metrics.add(name="x")
    metric.gauge.data_points.add(as_int=1, time_unix_nano=KNOWN_AT * 1000).attributes.add(key="account.id")
    while not told.SerializeToString().startswith(b"\n{"):
        metric.description += "x"
    assert read("otlp", told.SerializeToString()).received == 1


def test_only_what_adds_up_is_called_value() -> None:
    told = request()
    metrics = told.resource_metrics[0].scope_metrics[0].metrics
    metrics[0].sum.aggregation_temporality = 1
    metrics[1].histogram.aggregation_temporality = 1
    seats = metrics.add(name="seats").gauge.data_points.add(as_int=7, time_unix_nano=KNOWN_AT * 1000)
    seats.attributes.add(key="account.id").value.int_value = 12
    found = read("otlp", told.SerializeToString())
    delta, histogram, gauge = props_of(found)
    assert isinstance(delta, dict)
    assert isinstance(histogram, dict)
    assert isinstance(gauge, dict)
    assert (delta["value"], delta["temporality"]) == (3.0, "delta")
    assert (histogram["count"], histogram["sum"]) == (1, 12.5)
    assert gauge["value"] == 7
    assert not {"total", "temporality", "start"} & set(gauge)
    assert found.events[2].account == "12"


def test_the_account_may_be_an_attribute_of_the_resource_and_the_point_comes_first() -> None:
    told = request()
    told.resource_metrics[0].resource.attributes.add(key="account.id").value.string_value = "of the process"
    told.resource_metrics[0].resource.attributes.add(key="enduser.id").value.string_value = "ada"
    del told.resource_metrics[0].scope_metrics[0].metrics[1].histogram.data_points[0].attributes[:]
    found = read("otlp", told.SerializeToString())
    assert [(event.account, event.contact) for event in found.events] == [("acme", "ada"), ("of the process", "ada")]


def test_a_point_has_the_same_id_whenever_it_is_told() -> None:
    def turn(point: NumberDataPoint) -> None:
        attributes = list(point.attributes)[::-1]
        del point.attributes[:]
        point.attributes.extend(attributes)

    (first, other) = read("otlp", NODE.encode()).events
    assert changed(turn).events[0].message_id == first.message_id != other.message_id
    assert changed(lambda point: setattr(point, "as_double", 4)).events[0].message_id == first.message_id
    later = changed(lambda point: setattr(point, "time_unix_nano", KNOWN_AT * 1000)).events[0]
    assert later.message_id != first.message_id
    assert json.loads(later.props)["series"] == json.loads(first.props)["series"]


def forget(point: NumberDataPoint) -> None:
    del point.attributes[:]


def name_twice(point: NumberDataPoint) -> None:
    point.attributes.add(key="route").value.string_value = "/y"


def add_not_a_number(point: NumberDataPoint) -> None:
    point.attributes.add(key="x").value.array_value.values.add().double_value = float("nan")


@pytest.mark.parametrize("is_json", [False, True], ids=["protobuf", "json"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda point: setattr(point, "as_double", float("nan")), "number_not_finite"),
        (lambda point: setattr(point, "as_double", float("inf")), "number_not_finite"),
        (lambda point: setattr(point, "as_int", 2**53 + 1), "number_out_of_range"),
        (lambda point: point.ClearField("value"), "number_missing"),
        (lambda point: setattr(point, "time_unix_nano", 0), "time_missing"),
        (lambda point: setattr(point, "time_unix_nano", 2**64 - 1), "too_far_ahead"),
        (lambda point: setattr(point, "time_unix_nano", (KNOWN_AT + 86_401 * SECOND) * 1000), "too_far_ahead"),
        (forget, "no_subject"),
        (name_twice, "key_twice"),
        (add_not_a_number, "number_not_finite"),
    ],
)
def test_a_bad_point_is_refused_alone_and_keeps_its_id(
    change: Callable[[NumberDataPoint], object], code: str, is_json: bool
) -> None:
    found = changed(change, is_json=is_json)
    assert codes(found) == [code]
    assert len(found.events) == 1
    (refusal,) = found.refusals
    assert b"203.0.113.7" not in refusal.body
    again = DIALECTS["otlp"].replay(refusal.body, SERVER, known_at=KNOWN_AT)
    assert codes(again) == [code]
    assert again.refusals[0].message_id == refusal.message_id


def test_a_mended_point_keeps_its_id() -> None:
    (refusal,) = changed(lambda point: setattr(point, "as_double", float("nan"))).refusals
    again = DIALECTS["otlp"].replay(refusal.body.replace(b'"NaN"', b"3"), SERVER, known_at=KNOWN_AT)
    assert again.events == [read("otlp", NODE.encode()).events[0]]
    assert again.events[0].message_id == refusal.message_id


def test_an_attribute_cannot_pass_for_an_amount() -> None:
    found = changed(lambda point: setattr(point.attributes.add(key="total").value, "int_value", 9))
    props = props_of(found)[0]
    assert isinstance(props, dict)
    assert (props["total"], props["attribute.total"]) == (3.0, 9)


@pytest.mark.parametrize(
    "body", [b"\xff", b"{", b"{]", b'{"resourceMetrics":7}', b'{"resourceMetrics":[{"scopeMetrics":{}}]}']
)
def test_what_is_no_request_is_answered_as_a_whole(body: bytes) -> None:
    with pytest.raises(UnreadableError) as error:
        read("otlp", body)
    assert error.value.status == 400


def test_an_empty_body_is_a_request_without_points() -> None:
    assert read("otlp", b"").received == 0
    assert read("otlp", {}).received == 0
    assert read("otlp", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "x"}]}]}]}).received == 0


def test_too_many_points_are_too_large_a_request() -> None:
    told = request()
    points = told.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points
    points.extend([points[0]] * BATCH_EVENTS)
    with pytest.raises(UnreadableError) as error:
        read("otlp", told.SerializeToString())
    assert error.value.status == 413
