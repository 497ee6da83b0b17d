"""The door of the intake at its wire: what it takes, what it refuses and how it says so, in a process of its own."""

import base64
import gzip
import http.client
import json
import re
import socket
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from keepwell.facts.inbound import BATCH_BYTES, EVENT_BYTES
from keepwell.lake.log import EventLog
from tests.clients.fleet import Home, Server, until
from tests.web.serving import keepwell

MEBIBYTE = 1024 * 1024
ALLOWED_MEMORY = 100 * MEBIBYTE


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    kinds = {
        "shop": "srv",
        "page": "ing",
        "busy": "srv",
        "ended": "srv",
        "leaky": "ing",
        "poison": "srv",
        "sizes": "srv",
    }
    return Home(tmp_path_factory.mktemp("home"), kinds)


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    found = Server(home.folder, "--no-worker")
    yield found
    found.stop()


def track(message: str, **changes: object) -> dict[str, object]:
    told = {"type": "track", "event": "feature_used", "messageId": message, "userId": "ada"}
    return {**told, "context": {"groupId": "acme"}, **changes}


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def ask(
    server: Server,
    key: str,
    body: bytes | Mapping[str, object],
    *,
    path: str = "/v1/batch",
    method: str = "POST",
    **headers: str,
) -> Answer:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {**(basic(key) if key else {}), **{name.replace("_", "-"): value for name, value in headers.items()}}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request(method, path, sent, told)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())


def ask_raw(server: Server, sent: bytes, *, is_all: bool = True) -> bytes:
    """What comes back when exactly these bytes are sent and then nothing more, or when the rest is late."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=30)) as connection:
        connection.sendall(sent)
        if not is_all:
            return connection.recv(65_536)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while part := connection.recv(65_536):
            found += part
        return found


def head(key: str, *lines: str) -> bytes:
    """The head of a batch request."""
    credentials = [f"{name}: {value}" for name, value in basic(key).items()]
    return "\r\n".join(["POST /v1/batch HTTP/1.1", "Host: localhost", *credentials, *lines, "", ""]).encode()


def memory(server: Server, what: str) -> int:
    """Bytes that the server holds now (`VmRSS`) or held at most (`VmHWM`)."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text())
    assert found
    return int(found.group(1)) * 1024


def kept(home: Home, code: str) -> list[bytes]:
    """The bodies of the refused events that were kept with this code."""
    return [row[0] for row in home.rows("SELECT body, '' FROM store_rejectedevent WHERE code = ?", code)]  # type: ignore[misc]


# --- what is taken, however it is packed


def test_gzip_is_known_by_its_first_bytes_whatever_the_headers_say(home: Home, server: Server) -> None:
    packed = gzip.compress(json.dumps({"batch": [track("packed")]}).encode())
    for number, told in enumerate(
        ({}, {"Content_Type": "application/x-www-form-urlencoded"}, {"Content_Encoding": "identity"})
    ):
        body = gzip.compress(json.dumps({"batch": [track(f"packed-{number}")]}).encode())
        answer = ask(server, home.key("shop"), body, **told)
        assert (answer.status, answer.told) == (200, {"success": True})
    plain = json.dumps({"batch": [track("plain")]}).encode()
    assert ask(server, home.key("shop"), plain, Content_Encoding="gzip").status == 200
    cut = ask(server, home.key("shop"), packed[:-9])
    assert (cut.status, cut.told["code"]) == (400, "bad_gzip")


def test_the_key_may_stand_in_any_of_the_places_where_programs_put_it(home: Home, server: Server) -> None:
    key = home.key("shop")
    bare = {"Authorization": "Basic " + base64.b64encode(key.encode()).decode()}
    for told in (basic(key), bare, {"Authorization": f"Bearer {key}"}, {"authorization": f"bearer {key}"}):
        assert ask(server, "", {"batch": []}, **told).status == 200
    for field in ("writeKey", "api_key", "token"):
        assert ask(server, "", {"batch": [], field: key}).status == 200
    used = "SELECT prefix, last_used_at IS NOT NULL FROM store_apikey WHERE prefix = ?"
    until(lambda: home.rows(used, key[4:12]) == [(key[4:12], 1)], "a note that the key was used")


def test_metrics_are_answered_as_their_exporters_expect(home: Home, server: Server) -> None:
    """OTLP in JSON: an empty object when all was taken, else how many points were not and why."""
    point = {"asInt": "1", "timeUnixNano": "1780000000000000000", "startTimeUnixNano": "1779999999000000000"}
    named = {**point, "attributes": [{"key": "account.id", "value": {"stringValue": "acme"}}]}
    for points, told in (([named], {}), ([named, point], {"rejectedDataPoints": 1})):
        metric = {"name": "api_calls", "sum": {"aggregationTemporality": 1, "dataPoints": points}}
        body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
        answer = ask(server, home.key("shop"), body, path="/v1/metrics", Content_Type="application/json")
        assert answer.status == 200
        partial = answer.told.get("partialSuccess", {})
        assert isinstance(partial, dict)
        assert {name: value for name, value in partial.items() if name != "errorMessage"} == told


# --- F16: sizes


def test_sizes_beyond_the_limits_are_refused_in_little_memory(home: Home, server: Server) -> None:
    """F16: a bomb of 1:1,000, a stream of 1 GB, 1,000,000 keys; at most 100 MB over idle."""
    key = home.key("sizes")
    assert ask(server, key, {"batch": [track("first")]}).status == 200
    idle = memory(server, "VmRSS")

    answer = ask(server, key, _bomb())
    assert (answer.status, answer.told["code"]) == (413, "too_large")
    many = ",".join(f'"k{number}":1' for number in range(1_000_000)).encode()
    assert ask(server, key, b'{"batch":[' + many + b"]}").status == 413
    assert ask(server, key, gzip.compress(b'{"properties":{' + many + b"}}")).status == 413
    most = b'{"batch":[{"properties":{' + many[: BATCH_BYTES - 100].rpartition(b",")[0] + b"}}]}"
    assert ask(server, key, most).status in (200, 413)
    assert _stream(server, key, 1024 * MEBIBYTE).startswith(b"HTTP/1.1 413 ")

    assert memory(server, "VmHWM") - idle < ALLOWED_MEMORY
    assert ask(server, key, {"batch": [track("last")]}).status == 200


def test_headers_without_end_are_cut_off(home: Home, server: Server) -> None:
    """A key is not needed to send them, so nobody may make the server collect them."""
    before = memory(server, "VmRSS")
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: here\r\nX-Long: ")
        sent = 0
        try:
            while sent < 64 * MEBIBYTE:
                line.sendall(b"x" * 65_536)
                sent += 65_536
            answer = line.recv(65_536)
        except OSError:
            answer = b""
    assert sent < 16 * MEBIBYTE or answer.startswith(b"HTTP/1.1 400 ")
    assert memory(server, "VmHWM") - before < ALLOWED_MEMORY
    assert ask(server, home.key("sizes"), {"batch": [track("after long headers")]}).status == 200


def _bomb() -> bytes:
    """200 MB in 200 KB."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(b" " * MEBIBYTE) for _ in range(200)) + packer.flush()
    assert len(packed) * 900 < 200 * MEBIBYTE
    return packed


def _stream(server: Server, key: str, size: int) -> bytes:
    """The answer to a chunked request of this size, of which every byte is sent whatever the answer is."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=60)) as connection:
        connection.sendall(head(key, "Transfer-Encoding: chunked"))
        part = b"%x\r\n" % MEBIBYTE + b" " * MEBIBYTE + b"\r\n"
        for _ in range(size // MEBIBYTE):
            connection.sendall(part)
        connection.sendall(b"0\r\n\r\n")
        return connection.recv(65_536)


def test_an_event_of_a_byte_too_much_harms_only_itself(home: Home, server: Server) -> None:
    """F16, P4: 64 KB are taken and 64 KB + 1 are not; the neighbours are taken."""
    batch = [track("before"), _of_size(EVENT_BYTES, "fits"), _of_size(EVENT_BYTES + 1, "over"), track("after")]
    answer = ask(server, home.key("sizes"), json.dumps({"batch": batch}, separators=(",", ":")).encode())
    assert answer.status == 200
    assert answer.told["rejected_count"] == 1
    refused = answer.told["rejected"]
    assert isinstance(refused, list)
    assert [(one["index"], one["code"], one["message_id"]) for one in refused] == [(2, "too_large", "over")]


def _of_size(size: int, message: str) -> dict[str, object]:
    """An event of exactly so many bytes, in texts that are each short enough."""
    found = track(message, properties={f"t{number}": "x" * 8_000 for number in range(7)})
    missing = size - len(json.dumps(found, separators=(",", ":")))
    padding = {"context": {"groupId": "acme", "more": "x" * (missing - len(',"more":""'))}}
    return {**found, **padding}


@pytest.mark.parametrize(
    "body", [b"", b"   ", b"{", b'{"batch":[', b'{"batch":[{}', b"nonsense", b"[]]", b"\xff\xfe{}"]
)
def test_a_body_that_is_no_json_is_refused_whole(home: Home, server: Server, body: bytes) -> None:
    answer = ask(server, home.key("sizes"), body)
    assert answer.status == 400
    assert answer.told["success"] is False


def test_a_wrong_length_takes_nothing_and_hurts_nobody(home: Home, server: Server) -> None:
    body = json.dumps({"batch": [track("wrong-length")]}).encode()
    short = ask_raw(server, head(home.key("sizes"), f"Content-Length: {len(body) - 10}") + body)
    assert short.startswith(b"HTTP/1.1 400 ")
    ask_raw(server, head(home.key("sizes"), f"Content-Length: {len(body) + 10}") + body)
    said = ask_raw(server, head(home.key("sizes"), "Content-Length: -5") + body)
    assert b" 200 " not in said
    huge = ask_raw(server, head(home.key("sizes"), "Content-Length: 99999999999") + body, is_all=False)
    assert huge.startswith(b"HTTP/1.1 413 ")
    assert ask(server, home.key("sizes"), {"batch": [track("right-length")]}).status == 200
    home.drain()
    assert "wrong-length" not in [message for _, message in home.logged("sizes")]


# --- F15, F17: poison and unusual values

POISON = {
    "nan": '{"type":"track","event":"e","messageId":"nan","userId":"u","properties":{"v":NaN}}',
    "infinity": '{"type":"track","event":"e","messageId":"infinity","userId":"u","properties":{"v":-Infinity}}',
    "1e400": '{"type":"track","event":"e","messageId":"1e400","userId":"u","properties":{"v":1e400}}',
    "2^63": f'{{"type":"track","event":"e","messageId":"2^63","userId":"u","properties":{{"v":{2**63}}}}}',
    "2^53": f'{{"type":"track","event":"e","messageId":"2^53","userId":"u","properties":{{"v":{2**53 + 1}}}}}',
    "digits": '{"type":"track","event":"e","messageId":"digits","userId":"u","properties":{"v":' + "9" * 5000 + "}}",
    "nul": '{"type":"track","event":"e","messageId":"nul","userId":"u","properties":{"v":"a\\u0000b"}}',
    "nul-id": '{"type":"track","event":"e","messageId":"nul-id\\u0000","userId":"u"}',
    "surrogate": '{"type":"track","event":"e","messageId":"surrogate","userId":"u","properties":{"v":"\\ud800"}}',
    "twice": '{"type":"track","event":"e","messageId":"twice","userId":"u","userId":"v"}',
    "deep": '{"type":"track","event":"e","messageId":"deep","userId":"u","properties":{"v":'
    + "[" * 25_000
    + "]" * 25_000
    + "}}",
    "no-object": '"text"',
}


@pytest.mark.parametrize("name", POISON)
def test_poison_harms_only_itself_and_is_kept_as_it_came(home: Home, server: Server, name: str) -> None:
    """F14, F15, P3, P4: a code, never a 500, and the neighbours are taken."""
    good = [json.dumps(track(f"{name}-{place}")) for place in ("before", "after")]
    body = f'{{"batch":[{good[0]},{POISON[name]},{good[1]}]}}'.encode()
    before = home.ledger("poison")
    answer = ask(server, home.key("poison"), body)
    assert answer.status == 200, answer
    refused = answer.told["rejected"]
    assert isinstance(refused, list)
    assert [one["index"] for one in refused] == [1]
    after = home.ledger("poison")
    code = f"rejected {refused[0]['code']}"
    assert after["received"] - before.get("received", 0) == 3
    assert after[code] - before.get(code, 0) == 1
    value = POISON[name].partition('"v":')[2].removesuffix("}}").encode()
    assert any(value in one for one in kept(home, refused[0]["code"]))


@pytest.mark.parametrize("depth", [20_000, 100_000])
def test_a_body_that_is_nothing_but_depth_is_refused(home: Home, server: Server, depth: int) -> None:
    """F15: nesting of 100,000."""
    for body in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        answer = ask(server, home.key("poison"), body)
        assert answer.status in (200, 400), answer
        assert answer.told.get("success") is False or answer.told["rejected_count"] == 1


def test_what_is_taken_is_stored_as_it_was_sent(home: Home, server: Server) -> None:
    """F15, F17: numbers at the edge, every script, and ids that look alike stay apart."""
    values = [
        2**53,
        -(2**53),
        0.1,
        1e308,
        5e-324,
        -0.0,
        True,
        None,
        "",
        " a ",
        "\u202eabc",
        "👩‍👩‍👧",
        "İı",
        "\U0001f600",
    ]
    alike = ["caf\u00e9", "cafe\u0301", "acme", "acme\u200b", "\ufeffacme", "ACME", "acme "]
    batch = [track(f"value-{place}", properties={"value": value}) for place, value in enumerate(values)]
    batch += [track(f"id-{place}", context={"groupId": name}) for place, name in enumerate(alike)]
    answer = ask(server, home.key("poison"), {"batch": batch})
    assert (answer.status, answer.told) == (200, {"success": True})
    home.drain()
    rows = _stored(home, "poison")
    assert [json.loads(rows[f"value-{place}"][1])["value"] for place in range(len(values))] == values
    assert repr(json.loads(rows["value-5"][1])["value"]) == "-0.0"
    accounts = [rows[f"id-{place}"][0] for place in range(len(alike))]
    assert len(set(accounts)) == len(alike)
    names = dict(home.rows("SELECT id, key FROM store_account"))  # type: ignore[arg-type]
    assert [names[number] for number in accounts] == alike  # type: ignore[index]


def _stored(home: Home, source: str) -> dict[str, tuple[int, str]]:
    """Account and properties of each event of a source, by message id."""
    paths = EventLog(home.folder / "lake" / "events").snapshot().paths
    with closing(duckdb.connect()) as database:
        asked = f"SELECT message_id, account, props FROM read_parquet({paths}) WHERE source = ?"
        return {row[0]: (row[1], row[2]) for row in database.execute(asked, [source]).fetchall()}


# --- who may send what


def test_a_browser_may_send_from_another_site(server: Server) -> None:
    """The preflight of the browser SDK, which asks for its headers."""
    asked = {"Origin": "https://app.example.org", "Access_Control_Request_Method": "POST"}
    answer = ask(
        server,
        "",
        b"",
        path="/v1/t",
        method="OPTIONS",
        Access_Control_Request_Headers="authorization, content-type",
        **asked,
    )
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"authorization", "content-type"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert "access-control-allow-credentials" not in answer.headers
    assert ask(server, "", b"{}", path="/v1/t").headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("query", ["writeKey={}", "WRITEKEY={}", "a=b&token={}", "x={}", "{}"])
def test_a_key_in_the_address_is_refused_and_flagged(home: Home, server: Server, query: str) -> None:
    """S37: even when the same key stands in the header."""
    leaky = home.key("leaky")
    answer = ask(server, leaky, {"batch": [track("leaked")]}, path="/v1/batch?" + query.format(leaky))
    assert (answer.status, answer.told["code"]) == (400, "key_in_url")
    assert leaky not in answer.body.decode()
    flagged = home.rows("SELECT prefix, leaked_at IS NOT NULL FROM store_apikey WHERE prefix = ?", leaky[4:12])
    assert flagged == [(leaky[4:12], 1)]


def test_what_decides_over_money_needs_a_server_key(home: Home, server: Server) -> None:
    """S34, S35: a key that sits in a browser cannot tell of payments, plans or merges; a server key can."""
    told = {"batch": [
        track("paid", event="payment_failed", properties={"amount": 10}),
        {"type": "group", "messageId": "plan", "userId": "ada", "groupId": "acme", "traits": {"plan": "free"}},
        {"type": "alias", "messageId": "merge", "userId": "ada", "previousId": "eve"},
        track("used"),
    ]}  # fmt: skip
    answer = ask(server, home.key("page"), told)
    assert answer.status == 200
    refused = answer.told["rejected"]
    assert isinstance(refused, list)
    assert [(one["message_id"], one["code"]) for one in refused] == [
        (name, "needs_server_key") for name in ("paid", "plan", "merge")
    ]
    assert ask(server, home.key("shop"), told).told == {"success": True}


def test_a_key_that_was_revoked_is_refused_within_seconds(home: Home, server: Server) -> None:
    key = home.key("ended")
    assert ask(server, key, {"batch": []}).status == 200
    done = keepwell(home.folder, "key", "revoke", key[:12])
    assert done.returncode == 0, done.stderr
    until(lambda: ask(server, key, {"batch": []}).status == 401, "a 401 for the revoked key", within_s=15)
    answer = ask(server, key, {"batch": [track("late")]})
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert answer.told["code"] == "key"


@pytest.mark.parametrize("text", ["", "x", "ing_" + "A" * 43, "srv_" + "é" * 43, "ing_" + "A" * 43 + "\0"])
def test_who_shows_no_key_of_ours_is_not_let_in(server: Server, text: str) -> None:
    assert ask(server, text, {"batch": [track("nobody")]}).status == 401


def test_a_request_too_large_is_told_so_even_where_its_key_is_in_the_body(home: Home, server: Server) -> None:
    body = json.dumps({"api_key": home.key("shop"), "batch": [], "more": "x" * BATCH_BYTES}).encode()
    answer = ask(server, "", body, path="/batch/")
    assert (answer.status, answer.told["code"]) == (413, "too_large")


def test_keys_for_other_things_or_places_send_nothing(home: Home, server: Server) -> None:
    for words in (("--kind", "red"), ("--kind", "srv", "--source", "shop", "--address", "203.0.113.7")):
        made = keepwell(home.folder, "key", "create", *words)
        found = re.search(r"Key: +(\S+)", made.stdout)
        assert found, made.stderr
        answer = ask(server, found.group(1), {"batch": [track("foreign")]})
        assert (answer.status, answer.told["success"]) == (403, False)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_events_are_posted(home: Home, server: Server, method: str) -> None:
    answer = ask(server, home.key("shop"), b"", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


# --- when to come again


def test_the_1001st_request_of_a_minute_is_told_when_to_come_again(home: Home, server: Server) -> None:
    """S67: other keys are unaffected, and the audit trail says it once."""
    sent = basic(home.key("busy"))
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        statuses = []
        while 429 not in statuses[-1:]:
            connection.request("POST", "/v1/batch", b'{"batch":[]}', sent)
            answer = connection.getresponse()
            told = json.loads(answer.read())
            statuses.append(answer.status)
            assert len(statuses) < 5_000
    # The bucket fills again while it is emptied.
    assert len(statuses) - 1 >= 1_000
    assert set(statuses[:-1]) == {200}
    assert told["code"] == "too_many"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["X-RateLimit-Reset"] == answer.headers["Retry-After"]
    assert ask(server, home.key("shop"), {"batch": []}).status == 200
    noted = "SELECT act, count(*) FROM store_auditentry WHERE act = 'exceed_limit' GROUP BY act"
    until(lambda: home.rows(noted) == [("exceed_limit", 1)], "a line in the audit trail")


def test_what_cannot_be_written_is_not_acknowledged(home: Home, server: Server) -> None:
    """F5: 503 with Retry-After while the disk is full, and 200 afterwards without a restart."""
    server.fill_disk()
    try:
        answer = ask(server, home.key("shop"), {"batch": [track("full")]})
    finally:
        server.free_disk()
    assert (answer.status, answer.told["code"]) == (503, "not_certain")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["access-control-allow-origin"] == "*"
    assert ask(server, home.key("shop"), {"batch": [track("full")]}).status == 200
