"""What a key may and may not, asked of a running server: S34 to S38 and S67 of the security cases."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.web.serving import keepwell, start_server, stop_server

LIMIT = 20


@dataclass(frozen=True)
class Company:
    """A served home with one source and a key of each kind."""

    home: Path
    url: str
    keys: dict[str, str]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    home = tmp_path_factory.mktemp("keys") / "home"
    assert keepwell(home, "init", "--email", "ada@example.org").returncode == 0
    assert keepwell(home, "source", "add", "shop").returncode == 0
    keys = {}
    for kind, more in {
        "ing": ("--source", "shop"),
        "srv": ("--source", "shop"),
        "red": (),
        "adm": ("--address", "127.0.0.1"),
        "far": ("--address", "203.0.113.1"),
    }.items():
        made = keepwell(home, "key", "create", "--kind", "adm" if kind == "far" else kind, *more)
        assert made.returncode == 0, made.stderr
        keys[kind] = next(line.split()[1] for line in made.stdout.splitlines() if line.startswith("Key:"))
    process, url = start_server(home, KEEPWELL_INTAKE_REQUESTS_A_MINUTE=str(LIMIT))
    yield Company(home, url, keys)
    stop_server(process)


def ask(company: Company, path: str, key: str = "", event: object = None) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of an answer; an event is posted as a Segment library does."""
    request = urllib.request.Request(company.url + path, method="GET" if event is None else "POST")
    if event is not None:
        request.data = json.dumps(event).encode()
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{key}:".encode()).decode())
    elif key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), dict(error.headers)


def event(name: str, message_id: str, **more: object) -> dict[str, object]:
    return {"type": "track", "event": name, "messageId": message_id, "userId": "u1",
            "context": {"groupId": "acme"}, **more}  # fmt: skip


def test_an_ingest_key_writes_and_reads_nothing(company: Company) -> None:
    status, said, _ = ask(company, "/v1/track", company.keys["ing"], event("signed_in", "m1"))
    assert (status, said) == (200, {"success": True})
    for path in ("/api/accounts", "/api/accounts/1", "/api/sources", "/api/openapi.json"):
        for kind in ("ing", "srv"):
            status, said, _ = ask(company, path, company.keys[kind])
            assert (status, "only sends events" in said["error"]) == (403, True)


@pytest.mark.parametrize("name", ["payment_failed", "subscription_changed", "contact_aliased"])
def test_what_needs_trust_needs_a_server_key(company: Company, name: str) -> None:
    status, said, _ = ask(company, "/v1/track", company.keys["ing"], event(name, f"forged-{name}"))
    assert (status, said["rejected_count"], said["rejected"][0]["code"]) == (200, 1, "needs_server_key")
    status, said, _ = ask(company, "/v1/track", company.keys["srv"], event(name, f"true-{name}"))
    assert "needs_server_key" not in json.dumps(said)


@pytest.mark.parametrize("trait", ["owner", "plan", "mrr", "contract_value", "emailConsent"])
def test_an_ingest_key_sets_no_guarded_trait(company: Company, trait: str) -> None:
    call = {"type": "group", "messageId": f"g-{trait}", "groupId": "acme", "userId": "u1", "traits": {trait: "x"}}
    _, said, _ = ask(company, "/v1/group", company.keys["ing"], call)
    assert said["rejected"][0]["code"] == "needs_server_key"


def test_keys_of_the_api_send_nothing_and_a_read_key_changes_nothing(company: Company) -> None:
    for kind in ("red", "adm"):
        assert ask(company, "/v1/track", company.keys[kind], event("signed_in", f"m-{kind}"))[0] == 403
        assert ask(company, "/api/sources", company.keys[kind])[0] == 200
    assert ask(company, "/api/sources", company.keys["far"])[0] == 403
    assert ask(company, "/api/sources", company.keys["red"][:-1] + "!")[0] == 401


def test_a_key_in_an_address_is_refused_and_flagged(company: Company) -> None:
    name = company.keys["red"][:12]
    made = keepwell(company.home, "key", "create", "--kind", "ing", "--source", "shop")
    leaked = next(line.split()[1] for line in made.stdout.splitlines() if line.startswith("Key:"))
    for path in (f"/v1/track?writeKey={leaked}", f"/api/accounts?key={leaked}"):
        assert ask(company, path, event=event("signed_in", "m9") if path.startswith("/v1") else None)[0] == 400
    rows = {row["name"]: row for row in json.loads(keepwell(company.home, "key", "list", "--json").stdout)}
    assert rows[leaked[:12]]["leaked_at"] is not None
    assert rows[name]["leaked_at"] is None


def test_one_request_more_than_a_key_may_send_is_told_when_to_come_again(company: Company) -> None:
    made = keepwell(company.home, "key", "create", "--kind", "srv", "--source", "shop")
    greedy = next(line.split()[1] for line in made.stdout.splitlines() if line.startswith("Key:"))
    answers = [ask(company, "/v1/track", greedy, event("signed_in", f"g{number}")) for number in range(2 * LIMIT)]
    statuses = [status for status, _, _ in answers]
    assert statuses[:LIMIT] == [200] * LIMIT
    assert 429 in statuses
    headers = next(headers for status, _, headers in answers if status == 429)
    assert 1 <= int({name.lower(): value for name, value in headers.items()}["retry-after"]) <= 60
    assert ask(company, "/v1/track", company.keys["srv"], event("signed_in", "modest"))[0] == 200


def test_no_key_is_in_any_file_of_the_home(company: Company) -> None:
    for file in company.home.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        for text in company.keys.values():
            assert text.encode() not in content, file
            assert text[12:].encode() not in content, file
