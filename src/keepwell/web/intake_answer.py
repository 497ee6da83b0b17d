"""What the intake says of a request whose events are on disk: what its senders' programs expect to hear."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from keepwell.facts.inbound import Reading
from keepwell.web.intake_request import json_bytes

JSON: Final = b"application/json"
REFUSALS_TOLD: Final = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = JSON


def taken(dialect: str, reading: Reading, headers: Mapping[str, str]) -> Answer:
    """One refused event never fails its neighbours, so the answer is a success that names the refused ones."""
    return _TAKEN[dialect](reading, headers)


def refused(status: int, code: str, sentence: str, more: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """Nothing of the request was taken; `sentence` says what to do."""
    return Answer(status, json_bytes({"success": False, "code": code, "message": sentence}), more)


def _segment(reading: Reading, headers: Mapping[str, str]) -> Answer:
    if not reading.refusals:
        return _ALL_TAKEN
    return Answer(200, json_bytes({"success": True, **_rejected(reading)}))


def _posthog(reading: Reading, headers: Mapping[str, str]) -> Answer:
    return Answer(200, json_bytes({"status": 1, **(_rejected(reading) if reading.refusals else {})}))


def _cloudevents(reading: Reading, headers: Mapping[str, str]) -> Answer:
    return Answer(202, json_bytes({"taken": len(reading.events), **_rejected(reading)}))


def _otlp(reading: Reading, headers: Mapping[str, str]) -> Answer:
    if "json" in headers.get("content-type", ""):
        if not reading.refusals:
            return Answer(200, b"{}")
        partial = {"rejectedDataPoints": len(reading.refusals), "errorMessage": _first(reading)}
        return Answer(200, json_bytes({"partialSuccess": partial}))
    told = ExportMetricsServiceResponse()
    if reading.refusals:
        told.partial_success.rejected_data_points = len(reading.refusals)
        told.partial_success.error_message = _first(reading)
    return Answer(200, told.SerializeToString(), content_type=b"application/x-protobuf")


def _rejected(reading: Reading) -> dict[str, object]:
    told = [
        {"index": refusal.place, "message_id": refusal.message_id, "code": refusal.code, "message": refusal.sentence}
        for refusal in reading.refusals[:REFUSALS_TOLD]
    ]
    return {"rejected_count": len(reading.refusals), "rejected": told}


def _first(reading: Reading) -> str:
    return reading.refusals[0].sentence


_ALL_TAKEN: Final = Answer(200, b'{"success":true}')
_TAKEN: Final[Mapping[str, Callable[[Reading, Mapping[str, str]], Answer]]] = {
    "segment": _segment,
    "posthog": _posthog,
    "cloudevents": _cloudevents,
    "otlp": _otlp,
}
