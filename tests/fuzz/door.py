"""The real door under broken requests, byte by byte: never an error of its own, never a hang, nothing lost.

python -m tests.fuzz.door --seconds 60
"""

import argparse
import base64
import gzip
import itertools
import json
import random
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from keepwell.base.clock import SystemClock
from tests.connectors.hook import SECRET, recorded, sign_standard
from tests.fuzz.seeds import keep
from tests.fuzz.seeds import recorded as captures
from tests.fuzz.served import Served, full_home, served
from tests.web.serving import environment

ANSWER_S: Final = 10.0
PATIENCE_S: Final = 0.5
NO_KEY: Final = "ing_" + "0" * 43
CHECK_EVERY: Final = 100
ODD_BYTES: Final = (
    b"\0",
    b"\r\n",
    b"\n",
    b"\xff",
    b"%00",
    b"%ff",
    b" ",
    b":",
    b"\xc2\xb2",
    b"%2e%2e/",
    b"?key=",
    b"//",
    b"\t",
)
LENGTHS: Final = (
    b"0",
    b"-1",
    b"1",
    b"99999999",
    b"1048577",
    b"0" * 5000 + b"9",
    b"9" * 5000,
    b"\xb2",
    b"+5",
    b"5, 5",
    b"0x10",
    b"",
)
SEAL: Final = """
from keepwell.base.home import Home
from keepwell.cli.start import start
home = Home(start().home)
from collections import Counter
from keepwell.jobs.import_file import read_catalogue
from keepwell.jobs.package import log_columns, ready_log
from keepwell.jobs.seal import Sealer
from keepwell.store.models import InboxBatch, LedgerCount
ready_log(home, log_columns(read_catalogue(home)))
sealer = Sealer(home)
while sealer.do_seal_inbox() is not None:
    pass
lost = Counter()
for row in LedgerCount.objects.all():
    lost[row.source, row.key, row.hour] += row.count if row.outcome == "received" else -row.count
for row in InboxBatch.objects.all():
    lost[row.source, row.key, row.hour] -= row.events
print("lost", {str(place): count for place, count in lost.items() if count})
"""
Request = tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]
"""Method, target, headers without Content-Length, body."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    home = full_home()
    with served(home) as server:
        runs, found = fuzz(server, asked.seconds, random.Random(asked.seed))
        found += [f"the server wrote: {line}" for line in server.complaints()]
    found += unsettled(home)
    for line in found:
        print(f"finding door: {line}")
    print(f"executions {runs}")
    sys.exit(1 if found else 0)


def fuzz(server: Served, seconds: float, rng: random.Random) -> tuple[int, list[str]]:
    """How many requests were sent, and what was found."""
    keys = itertools.cycle(server.keys["ing"])
    bodies = [captures(kind) for kind in ("segment", "posthog", "cloudevents", "otlp")]
    end = time.monotonic() + seconds
    found: dict[str, str] = {}
    runs = 0
    while time.monotonic() < end:
        raw = mutated(good_request(next(keys), bodies, rng), rng)
        runs += 1
        wrong = complaint(answer(server.port, raw, PATIENCE_S))
        if wrong and wrong not in found:
            found[wrong] = f"{wrong} -> {keep('door', without_keys(raw, server))}"
        if runs % CHECK_EVERY == 0 and not takes_good_event(server, next(keys), runs):
            found.setdefault("good", f"a good event is not taken any more, after {runs} requests")
    return runs, list(found.values())


def answer(port: int, raw: bytes, patience_s: float = ANSWER_S / 2) -> bytes | None:
    """Everything that comes back until the connection ends; None when it does not end."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as connection:
        parts: list[bytes] = []
        try:
            connection.sendall(raw)
            # A server that waits for the rest of a request is told that there is none.
            if not select.select([connection], [], [], patience_s)[0]:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                parts.append(part)
        except TimeoutError:
            return None
        except OSError:
            # The server may close before it has read everything.
            pass
        return b"".join(parts)


def without_keys(raw: bytes, server: Served) -> bytes:
    """The same request with a key that is none in the place of those of this server."""
    for text in server.keys["ing"]:
        raw = replaced(raw, text, NO_KEY)
    return raw


def replaced(raw: bytes, old: str, new: str) -> bytes:
    """Another key in the headers, also where it is written in Base64."""
    coded = [base64.b64encode(f"{key}:".encode()) for key in (old, new)]
    return raw.replace(old.encode(), new.encode()).replace(*coded)


def complaint(told: bytes | None) -> str:
    """What is wrong with an answer, "" for nothing. A connection that is cut without an answer is one too."""
    if told is None:
        return f"no answer in {ANSWER_S:.0f} s"
    status = told.split(b" ", 2)[1:2]
    if status and status[0].isdigit() and int(status[0]) >= 500:
        return f"status {status[0].decode()}"
    return ""


def takes_good_event(server: Served, key: str, number: int) -> bool:
    event = {"userId": "fuzz", "event": "feature_used", "messageId": f"good-{number}", "context": {"groupId": "fuzz"}}
    told = answer(server.port, spelt(segment_request(key, b"/v1/track", json.dumps(event).encode())))
    return told is not None and told.startswith(b"HTTP/1.1 200") and b'"success":true}' in told


def unsettled(home: Path) -> list[str]:
    """Seals everything and says which hours of the ledger do not add up."""
    done = subprocess.run(
        [sys.executable, "-c", SEAL], env=environment(home), capture_output=True, text=True, check=False
    )
    if done.returncode:
        return [f"sealing failed: {done.stderr.strip().splitlines()[-1][:300]}"]
    return (
        [] if done.stdout.strip().endswith("lost {}") else [f"the ledger does not add up: {done.stdout.strip()[:300]}"]
    )


def good_request(key: str, bodies: Sequence[Sequence[bytes]], rng: random.Random) -> Request:
    choice = rng.randrange(6)
    if choice < 2:
        path = rng.choice((b"/v1/batch", b"/v1/track", b"/v1/i", b"/v1/page/", b"/v1/m"))
        return segment_request(key, path, rng.choice(bodies[0]))
    if choice == 2:
        body = json.dumps({"api_key": key, "batch": [json.loads(rng.choice(POSTHOG))]}).encode()
        return b"POST", rng.choice((b"/batch/", b"/capture/", b"/i/v0/e/", b"/e")), [], body
    if choice == 3:
        told = (b"Content-Type", rng.choice((b"application/cloudevents+json", b"application/cloudevents-batch+json")))
        return b"POST", b"/v1/cloudevents", [bearer(key), told], rng.choice(bodies[2])
    if choice == 4:
        told = (b"Content-Type", rng.choice((b"application/json", b"application/x-protobuf")))
        return b"POST", b"/v1/metrics", [bearer(key), told], rng.choice(bodies[3])
    body = recorded("survey", "answered")
    signed = sign_standard(body, SECRET, int(SystemClock().now().timestamp() * 1_000_000))
    path = rng.choice((b"/hooks/survey", b"/hooks/survey/fuzz-survey", b"/hooks/survey/%00", b"/hooks/nothing"))
    return b"POST", path, [(name.encode(), value.encode()) for name, value in signed.items()], body


POSTHOG: Final = (
    b'{"event":"e","distinct_id":"d","properties":{"$groups":{"company":"c"},"a":1}}',
    b'{"event":"$identify","distinct_id":"d","$set":{"a":1},"timestamp":"2026-01-01T00:00:00Z"}',
)


def segment_request(key: str, path: bytes, body: bytes) -> Request:
    credentials = base64.b64encode(f"{key}:".encode())
    return b"POST", path, [(b"Authorization", b"Basic " + credentials), (b"Content-Type", b"application/json")], body


def bearer(key: str) -> tuple[bytes, bytes]:
    return b"Authorization", b"Bearer " + key.encode()


def spelt(request: Request, length: bytes | None = None) -> bytes:
    method, target, headers, body = request
    told = [(b"Host", b"localhost"), (b"Connection", b"close"), *headers]
    told.append((b"Content-Length", str(len(body)).encode() if length is None else length))
    return b"\r\n".join([b"%b %b HTTP/1.1" % (method, target), *(b": ".join(one) for one in told), b"", body])


def mutated(request: Request, rng: random.Random) -> bytes:
    """One to three things broken."""
    length: bytes | None = None
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        method, target, headers, body = request
        choice = rng.randrange(7)
        if choice == 0:
            request = method, target, headers, broken_body(body, rng)
        elif choice == 1:
            request = method, odd(target, rng), headers, body
        elif choice == 2 and headers:
            place = rng.randrange(len(headers))
            name, value = headers[place]
            odd_one = rng.choice(((name, odd(value, rng)), (odd(name, rng), value), (name, value * 200)))
            request = method, target, [*headers[:place], odd_one, *headers[place + 1 :]], body
        elif choice == 3:
            more = rng.choice(
                (*headers, (b"Content-Encoding", b"gzip"), (b"Expect", b"100-continue"), (b"ce-id", b"%ff"))
            )
            request = method, target, [*headers, more], body
        elif choice == 4:
            method = rng.choice((b"GET", b"PUT", b"OPTIONS", b"HEAD", b"FUZZ", b"post", b""))
            request = method, target, headers, body
        elif choice == 5:
            length = rng.choice((*LENGTHS, str(len(body) + 7).encode(), str(max(0, len(body) - 7)).encode()))
        else:
            size = rng.choice((len(body), len(body) + 3, 1))
            chunked = b"%x\r\n%b\r\n%b" % (size, body, rng.choice((b"0\r\n\r\n", b"", b"zz\r\n", b"-1\r\n\r\n")))
            request = method, target, [*headers, (b"Transfer-Encoding", b"chunked")], chunked
    raw = spelt(request, length)
    return odd(raw, rng) if rng.random() < 0.1 else raw


def broken_body(body: bytes, rng: random.Random) -> bytes:
    packed = gzip.compress(body, mtime=0)
    cut = rng.randrange(len(packed))
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: packed,
        lambda: packed[:cut],
        lambda: packed + packed,
        lambda: packed + b"tail",
        lambda: packed[:cut] + rng.randbytes(1) + packed[cut + 1 :],
        lambda: gzip.compress(packed, mtime=0),
        lambda: gzip.compress(bytes(4_000_000), mtime=0),
        lambda: body[: rng.randrange(len(body) + 1)],
        lambda: body + body,
        lambda: odd(body, rng),
        lambda: b"[" * 50_000,
        lambda: b"",
    )
    return rng.choice(ways)()


def odd(text: bytes, rng: random.Random) -> bytes:
    """Something put in, taken out or made long somewhere."""
    place = rng.randrange(len(text) + 1)
    rest = text[place + rng.randrange(3) :]
    return text[:place] + rng.choice(ODD_BYTES) * rng.choice((1, 1, 1, 3, 3_000)) + rest


if __name__ == "__main__":
    main()
