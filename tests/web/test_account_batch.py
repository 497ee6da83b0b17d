"""PUT /api/accounts:batch: accounts told by others, durable, counted once, each judged alone."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.http import HttpResponse
from django.test import Client

import keepwell.models
from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.facts.traits import ACCOUNT_EVENTS
from keepwell.jobs.inbox import inbox_of_process, read_batch
from keepwell.jobs.project import do_project_accounts
from keepwell.jobs.reject import do_replay_rejected
from keepwell.jobs.seal import Sealer
from keepwell.jobs.source import do_stop_source
from keepwell.lake.log import EventLog
from keepwell.store.models import Account, AuditEntry, InboxBatch, LedgerCount, RejectedEvent, Source
from tests.web.test_api_key import bearer, make

pytestmark = pytest.mark.django_db(transaction=True)

ACME = {"id": "acme", "name": "Acme", "plan": "pro", "mrr": 1200.5, "seats": 20, "crm_tier": "gold"}
SHIPPED = Path(keepwell.models.__path__[0])
Put = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def inbox_ends() -> Iterator[None]:
    yield
    inbox_of_process().stop()


@pytest.fixture
def put(client: Client) -> Put:
    keys: dict[str, str] = {}

    def send(*accounts: object, body: bytes | None = None, kind: str = "adm") -> Any:
        keys[kind] = keys.get(kind) or make(kind)
        told = json.dumps({"accounts": list(accounts)}).encode() if body is None else body
        return client.put("/api/accounts:batch", data=told, content_type="application/json", headers=bearer(keys[kind]))

    return send


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    EventLog(Home(tmp_path).log).create({})
    return Sealer(Home(tmp_path))


def waiting() -> list[tuple[str, str, dict[str, object]]]:
    events = [event for batch in InboxBatch.objects.order_by("pk") for event in read_batch(bytes(batch.body))]
    return [(event.name, event.account or "", json.loads(event.props or "{}")) for event in events]


def ledger() -> Counter[str]:
    return Counter({f"{row.outcome} {row.reason}".strip(): row.count for row in LedgerCount.objects.all()})


def test_accounts_are_on_disk_as_events_before_the_answer(put: Put) -> None:
    answer = put(ACME, {"id": 12})
    assert (answer.status_code, json.loads(answer.content)) == (
        200,
        {
            "accepted": 2,
            "rejected": 0,
            "results": [{"status": "accepted", "id": "acme"}, {"status": "accepted", "id": "12"}],
        },
    )
    assert waiting() == [
        ("account_updated", "acme", {"crm_tier": "gold", "name": "Acme"}),
        ("subscription_changed", "acme", {"mrr": 1200.5, "plan": "pro", "seats": 20}),
        ("account_updated", "12", {}),
    ]
    assert {name for name, _, _ in waiting()} <= set(ACCOUNT_EVENTS)
    assert Source.objects.get().name == "api"
    assert AuditEntry.objects.filter(act="create_source").count() == 1


def test_every_property_of_a_subscription_goes_there(put: Put, tmp_path: Path) -> None:
    catalogue = yaml.safe_load((SHIPPED / "saas" / "catalogue.yaml").read_text(encoding="utf-8"))
    told = catalogue["events"]["subscription_changed"]["properties"]
    values = {"number": 5, "text": "x", "time": "2027-01-01", "boolean": True}
    assert put({"id": "acme", **{name: values[one["type"]] for name, one in told.items()}}).status_code == 200
    assert [(name, set(props)) for name, _, props in waiting()] == [("subscription_changed", set(told))]


def test_the_body_is_described(put: Put, client: Client) -> None:
    found = client.get("/api/openapi.json", headers=bearer(make("red"))).json()
    operation = found["paths"]["/api/accounts:batch"]["put"]
    items = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]["accounts"]
    assert (items["maxItems"], items["items"]["required"]) == (1000, ["id"])
    assert set(operation["responses"]) >= {"200", "207", "400", "413", "503"}


def test_a_server_key_tells_for_its_own_source(put: Put) -> None:
    assert put(ACME, kind="srv").status_code == 200
    source = Source.objects.get()
    assert (source.name, InboxBatch.objects.get().source) == ("web-app", source.pk)
    assert put(ACME, kind="ing").status_code == 403
    assert put(ACME, kind="red").status_code == 403


def test_the_same_again_changes_nothing_and_what_came_back_is_news(put: Put, sealer: Sealer, tmp_path: Path) -> None:
    put(ACME)
    put(ACME)
    sealer.do_seal_inbox()
    put(ACME, ACME)
    sealer.do_seal_inbox()
    assert ledger() == {"received": 8, "accepted": 2, "duplicate": 6}
    put({**ACME, "plan": "free"})
    put(ACME)
    report = sealer.do_seal_inbox()
    assert report is not None
    assert (report.accepted, report.duplicate, report.conflict) == (4, 0, 0)
    do_project_accounts(Home(tmp_path), None, now=SystemClock().now())
    account = Account.objects.get(key="acme")
    assert (account.name, account.plan, str(account.mrr), account.seats) == ("Acme", "pro", "1200.50", 20)


def test_ids_and_times_of_the_caller_are_kept(put: Put, sealer: Sealer) -> None:
    told = {**ACME, "message_id": "run-7/acme", "at": "2026-01-01T00:00:00Z"}
    put(told)
    events = read_batch(bytes(InboxBatch.objects.get().body))
    assert [event.message_id for event in events] == ["run-7/acme/account_updated", "run-7/acme/subscription_changed"]
    assert {event.at for event in events} == {1_767_225_600_000_000}
    put({**told, "plan": "free"})
    report = sealer.do_seal_inbox()
    assert report is not None
    assert (report.accepted, report.duplicate, report.conflict) == (2, 1, 1)


BAD: list[tuple[bytes, str]] = [
    (b'{"name": "Acme"}', "no_subject"),
    (b'{"id": ""}', "no_subject"),
    (b'{"id": {}}', "id_invalid"),
    (b'{"id": "' + b"a" * 513 + b'"}', "id_too_long"),
    (b'{"id": "a", "message_id": "' + b"a" * 500 + b'"}', "id_too_long"),
    (b'{"id": "a\\u0000"}', "nul"),
    (b'{"id": "a", "mrr": NaN}', "number_not_finite"),
    (b'{"id": "a", "mrr": 1e400}', "number_out_of_range"),
    (b'{"id": "a", "rank": 9007199254740993}', "number_out_of_range"),
    (b'{"id": "a", "x": "\\ud800"}', "half_surrogate"),
    (b'{"id": "a", "id": "b"}', "key_twice"),
    (b'{"id": "a", "x": "' + b"x" * 8193 + b'"}', "too_long"),
    (b'{"id": "a", "x": "' + b"x" * 70000 + b'"}', "too_large"),
    (b'{"id": "a", "x": ' + b"[" * 30 + b"]" * 30 + b"}", "too_deep"),
    (b'{"id": "a", "mrr": "1200"}', "value_invalid"),
    (b'{"id": "a", "mrr": -1}', "value_invalid"),
    (b'{"id": "a", "seats": true}', "value_invalid"),
    (b'{"id": "a", "plan": 5}', "value_invalid"),
    (b'{"id": "a", "ending": "yes"}', "value_invalid"),
    (b'{"id": "a", "renewal_at": "soon"}', "time_unreadable"),
    (b'{"id": "a", "at": "2999-01-01"}', "too_far_ahead"),
    (b'"acme"', "not_an_object"),
]


def test_each_account_is_judged_alone(put: Put) -> None:
    good = json.dumps(ACME).encode()
    items = b",".join([good, *(text + b"," + good for text, _ in BAD)])
    answer = put(body=b'{"accounts": [' + items + b"]}")
    assert answer.status_code == 207
    found = json.loads(answer.content)
    assert (found["accepted"], found["rejected"]) == (len(BAD) + 1, len(BAD))
    assert [result.get("code") for result in found["results"]][1::2] == [code for _, code in BAD]
    assert all(result["error"] for result in found["results"][1::2])
    assert all(result == {"status": "accepted", "id": "acme"} for result in found["results"][::2])
    assert ledger()["received"] == 2 * (len(BAD) + 1) + len(BAD)
    assert RejectedEvent.objects.filter(dialect="accounts").count() == len(BAD)


def test_a_refused_account_is_kept_and_can_be_replayed_once_mended(put: Put, tmp_path: Path) -> None:
    put({"id": "acme", "mrr": "1200"})
    kept = RejectedEvent.objects.get()
    assert json.loads(bytes(kept.body)) == {"id": "acme", "mrr": "1200", "message_id": kept.message_id}
    replay = do_replay_rejected(Home(tmp_path), [kept.pk], by="cli:root", now=SystemClock().now())
    assert (replay.taken, replay.refused) == (0, 1)
    kept.body = bytes(kept.body).replace(b'"1200"', b"1200")
    kept.save()
    assert do_replay_rejected(Home(tmp_path), [kept.pk], by="cli:root", now=SystemClock().now()).taken == 1
    assert waiting() == [("subscription_changed", "acme", {"mrr": 1200})]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "no_batch"),
        (b"{}", 400, "no_batch"),
        (b'{"accounts": {}}', 400, "no_batch"),
        (b'{"accounts": [', 400, "json_invalid"),
        (b'["accounts"]', 400, "not_an_object"),
        (b'{"accounts": [' + b",".join([b"1"] * 1001) + b"]}", 413, "too_many_accounts"),
        (b'{"accounts": [' + b" " * 1_100_000 + b"]}", 413, "too_large"),
        (b'{"accounts": [' + b" " * 9_000_000 + b"]}", 413, "too_large"),
        (gzip.compress(b" " * 50_000_000), 413, "too_large"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(put: Put, body: bytes, status: int, code: str) -> None:
    answer = put(body=body)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (status, code)
    assert not InboxBatch.objects.exists()


def test_a_thousand_accounts_and_gzip(put: Put) -> None:
    told = {"accounts": [{"id": f"a{number}", "seats": number} for number in range(1000)]}
    answer = put(body=gzip.compress(json.dumps(told).encode()))
    assert (answer.status_code, json.loads(answer.content)["accepted"]) == (200, 1000)
    assert InboxBatch.objects.get().events == 1000
    assert put(body=b'{"accounts": []}').status_code == 200


def test_a_stopped_source_takes_nothing(put: Put) -> None:
    put(ACME)
    do_stop_source("api", by="cli:root", now=SystemClock().now())
    answer = put({**ACME, "plan": "free"})
    assert (answer.status_code, json.loads(answer.content)["code"]) == (409, "source")


def test_what_could_not_be_written_is_to_be_sent_again(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("keepwell.jobs.inbox.WAITING_BYTES", -1)
        patch.setattr(inbox_of_process(), "_bytes", 1)
        answer = put(ACME)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert put(ACME).status_code == 200
    assert len(waiting()) == 2
