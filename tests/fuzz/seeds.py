"""Good inputs to begin with: what clients were recorded to send, the payloads of the connectors, and known poison."""

import gzip
import hashlib
import importlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from google.protobuf.json_format import ParseDict, ParseError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.connectors import hook
from tests.fuzz.readers import BETWEEN, CONNECTORS, DIALECTS, KNOWN_AT, SECRET

CASES: Final = Path(__file__).parent / "cases"
POISON: Final = (
    b"",
    b"{}",
    b"[]",
    b"NaN",
    b'{"a":NaN,"b":-Infinity,"c":1e400}',
    b'{"a":%b}' % (b"9" * 5000),
    b'{"a":9223372036854775808,"b":1e308}',
    b'{"a":"\\u0000","b":"\\ud800","c":"\\ud83d\\ude00"}',
    b'{"a":1,"a":2}',
    b"[" * 3000 + b"]" * 3000,
    b'\xef\xbb\xbf{"a":"\xff\xfe"}',
    '{"userId":"e\u0301\u200b\u202eI\u0131","batch":[{"x":"\U0001f468\u200d\U0001f469"}]}'.encode(),
)
_SIGNERS: Final = {
    "hubspot": hook.sign_hubspot,
    "intercom": hook.sign_intercom,
    "standard_webhooks": hook.sign_standard,
    "stripe": hook.sign_stripe,
    "survey": hook.sign_standard,
    "zendesk": hook.sign_zendesk,
}


def seeds(target: str) -> list[bytes]:
    """Inputs of a target, each as its reader takes it."""
    if target in DIALECTS:
        bodies = [*recorded(target), *POISON]
        return [bytes([choice]) + body for body in bodies for choice in (0, 1, 2, 9, 16)]
    if target in CONNECTORS:
        return [bytes([choice]) + line + b"\n" + body for line, body in deliveries(target) for choice in (0, 1)]
    bodies = [body for kind in ("segment", "posthog") for body in recorded(kind)]
    if target == "gzip":
        packed = [gzip.compress(body, mtime=0) for body in bodies]
        return [
            *bodies,
            *packed,
            packed[0] + packed[1],
            packed[0] + b"tail",
            packed[0][:-4],
            gzip.compress(bytes(90_000)),
        ]
    keys = [b'{"%b":"ing_%b"}' % (name, b"x" * 43) for name in (b"api_key", b"writeKey", b"token")]
    return [*bodies, *POISON, *keys, b'[{"properties":{"token":"ing_x"}}]']


def recorded(kind: str) -> list[bytes]:
    """The captures and examples that the tests of a dialect hold."""
    module = importlib.import_module(f"tests.unit.connectors.test_{kind}")
    found = list(_bodies(vars(module).values()))
    if kind == "otlp":
        found += [packed for body in found if (packed := as_protobuf(body))]
    return found


def as_protobuf(body: bytes) -> bytes:
    try:
        told: bytes = ParseDict(json.loads(body), ExportMetricsServiceRequest()).SerializeToString()
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError):
        return b""
    return told


def deliveries(kind: str) -> Iterator[tuple[bytes, bytes]]:
    """Signature headers as one line, and the body."""
    for path in sorted((hook.FIXTURES / kind).iterdir()):
        body = path.read_bytes()
        sign = _SIGNERS.get(kind)
        line = BETWEEN.join(value.encode() for value in sign(body, SECRET, KNOWN_AT).values()) if sign else b"x"
        yield line, body
    yield from ((b"x", body) for body in POISON)


def words(inputs: Sequence[bytes]) -> set[bytes]:
    """Keys and short texts, which a fuzzer puts in as a whole."""
    return {word for one in inputs for word in re.findall(rb'"[A-Za-z_$.-]{2,40}"', one)}


def kept(target: str) -> list[Path]:
    """The cases that were found before."""
    folder = CASES / target
    return sorted(folder.iterdir()) if folder.is_dir() else []


def content(case: Path) -> bytes:
    """A case as it was sent; the large ones are kept packed."""
    return gzip.decompress(case.read_bytes()) if case.suffix == ".gz" else case.read_bytes()


def keep(target: str, data: bytes, folder: Path = CASES) -> Path:
    """Writes a finding down."""
    place = folder / target
    place.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(data).hexdigest()[:12]
    path = place / (f"{name}.gz" if len(data) > 16_384 else name)
    path.write_bytes(gzip.compress(data, mtime=0) if len(data) > 16_384 else data)
    return path


def _bodies(values: object) -> Iterator[bytes]:
    for value in list(values):  # type: ignore[call-overload]
        if isinstance(value, bytes) and len(value) > 20:
            yield value
        elif isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            yield value.encode()
        elif isinstance(value, dict | list) and value:
            try:
                yield json.dumps(value).encode()
            except (TypeError, ValueError):
                continue
