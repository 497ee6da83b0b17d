"""keepwell pull: page by page from APIs on this machine, each thing once, going on where it stopped."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from keepwell.base.clock import FixedClock
from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.base.settings import Settings
from keepwell.connectors.pulls.hubspot import HubSpot as PullHubSpot
from keepwell.connectors.rest import Patience
from keepwell.facts.inbound import Inbound
from keepwell.jobs.inbox import Inbox, read_batch
from keepwell.jobs.pull import Outcome, Puller, do_pull_source, pull_token
from keepwell.jobs.reject import do_replay_rejected
from keepwell.jobs.seal import Sealer
from keepwell.jobs.secret import Vault, open_vault
from keepwell.jobs.source import do_create_source
from keepwell.lake.log import EventLog
from keepwell.store.models import AuditEntry, InboxBatch, LedgerCount, PullPosition, RejectedEvent, Source
from tests.connectors import imap_server
from tests.connectors.rest_server import Answer, Api, HubSpot, Json, Stripe, Zendesk, serving
from tests.flows.pull_records import NOW, company, ticket

pytestmark = pytest.mark.django_db(transaction=True)

START = int(NOW.timestamp()) - 86_400 * 10
QUICK = Patience(attempts=3, first_wait_s=0, longest_wait_s=0)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return open_vault(Settings(home=tmp_path, secret_key="k" * 40))


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    found = Inbox()
    found.start()
    yield found
    found.stop()


@dataclass
class World:
    """One source at one API, and the ways to pull it."""

    api: Api
    source: Source
    home: Path
    inbox: Inbox
    vault: Vault
    seen: list[tuple[str, int]] = field(default_factory=list)

    def pull(
        self, *, now: datetime = NOW, is_dry: bool = False, stop_after: int = 0, patience: Patience = QUICK
    ) -> dict[str, Outcome]:
        def progress(resource: str, records: int) -> None:
            self.seen.append((resource, records))
            if stop_after and len(self.seen) >= stop_after:
                raise KeyboardInterrupt

        self.source.refresh_from_db()
        puller = Puller(
            self.source, pull_token(self.source, self.vault), self.home, self.inbox, FixedClock(now), progress,
            patience, is_dry,
        )  # fmt: skip
        return {one.resource: one for one in do_pull_source(puller, by="cli:root")}

    def log(self) -> list[tuple[str, str]]:
        """Account and message id of every event in the log, after everything was sealed."""
        sealer = Sealer(Home(self.home))
        while sealer.do_seal_inbox():
            pass
        paths = EventLog(Home(self.home).log).snapshot().paths
        if not paths:
            return []
        return duckdb.sql(f"SELECT account::TEXT, message_id FROM read_parquet({paths}) ORDER BY 2").fetchall()

    def ids(self) -> list[str]:
        return [message_id for _, message_id in self.log()]


Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path, inbox: Inbox, vault: Vault) -> Iterator[Make]:
    EventLog(Home(tmp_path).log).create({})
    with ExitStack() as stack:

        def world(connector: str, answer: Callable[..., Answer], **settings: object) -> World:
            api = Api(answer)
            url = stack.enter_context(serving(api))
            source = do_create_source(
                f"my-{connector}", connector=connector, settings={"url": url, **settings},
                secrets=["whsec_other", "pull:t0ken"], vault=vault, by="cli:root", now=NOW,
            )  # fmt: skip
            return World(api, source, tmp_path, inbox, vault)

        yield world


def waiting() -> list[Inbound]:
    return [event for batch in InboxBatch.objects.order_by("pk") for event in read_batch(bytes(batch.body))]


def failed(number: int) -> Json:
    return {
        "id": f"evt_{number}", "type": "invoice.payment_failed", "created": START + number * 60,
        "data": {"object": {"object": "invoice", "customer": f"cus_{number % 3}", "amount_due": 5, "currency": "eur"}},
    }  # fmt: skip


def test_pages_are_read_to_the_end_and_a_second_pull_asks_only_for_what_is_new(make: Make) -> None:
    stripe = Stripe({"events": [failed(number) for number in range(5)]})
    world = make("stripe", stripe)
    found = world.pull()
    assert (found["events"].records, found["events"].events) == (5, 5)
    assert [records for name, records in world.seen if name == "events"] == [2, 4, 5]
    assert world.ids() == [f"evt_{number}" for number in range(5)]

    stripe.lists["events"].append(failed(100))
    world.api.asked.clear()
    again = world.pull()
    asked = [one for one in world.api.asked if one.path == "/v1/events"]
    assert [int(one.params["created[gte]"][0]) for one in asked] == [failed(4)["created"] - 300] * len(asked)  # type: ignore[operator]
    assert len(asked) == 3
    assert world.ids() == sorted([*(f"evt_{number}" for number in range(5)), "evt_100"])
    assert "types[]" in asked[0].params
    assert "subscriptions" not in [one.path.rpartition("/")[2] for one in world.api.asked]
    assert again["events"].events == 6
    assert AuditEntry.objects.filter(act="pull_source").count() == 2


@pytest.mark.parametrize("pages", range(1, 5))
def test_a_pull_that_was_cut_off_goes_on_without_loss_or_doubles(make: Make, pages: int) -> None:
    hubspot = HubSpot([company(number) for number in range(5)])
    world = make("hubspot", hubspot)
    with pytest.raises(KeyboardInterrupt):
        world.pull(stop_after=pages)
    before = len(waiting())
    assert before == min(2 * (pages - 1), 5)
    world.seen.clear()
    world.pull()
    world.pull()
    assert [message_id.split(":")[:3] for message_id in world.ids()] == [
        ["hubspot", "company", str(number)] for number in range(5)
    ]
    assert set(LedgerCount.objects.values_list("outcome", flat=True)) <= {"received", "accepted"}


def test_a_newest_first_pull_goes_on_below_its_last_page(make: Make) -> None:
    stripe = Stripe({"events": [failed(number) for number in range(7)]})
    world = make("stripe", stripe)
    with pytest.raises(KeyboardInterrupt):
        world.pull(stop_after=4)
    stripe.lists["events"].append(failed(50))
    world.api.asked.clear()
    world.pull()
    asked = [one.params.get("starting_after") for one in world.api.asked if one.path == "/v1/events"]
    assert asked[0] == ["evt_5"]
    world.pull()
    assert world.ids() == sorted([*(f"evt_{number}" for number in range(7)), "evt_50"])


def test_a_mark_that_is_gone_starts_the_question_anew(make: Make) -> None:
    stripe = Stripe({"events": [failed(number) for number in range(6)]})
    world = make("stripe", stripe)
    with pytest.raises(KeyboardInterrupt):
        world.pull(stop_after=4)
    del stripe.lists["events"][4]
    world.pull()
    assert world.ids() == [f"evt_{number}" for number in range(6)]


def test_killed_between_the_inbox_and_the_position_nothing_counts_twice(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make("hubspot", HubSpot([company(number) for number in range(4)]))

    def killed(name: str) -> None:
        if name == "pull: kept":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("keepwell.jobs.pull.crash_point", killed)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                world.pull()
    assert not PullPosition.objects.exists()
    world.pull()
    assert len(world.ids()) == 4
    assert set(LedgerCount.objects.values_list("outcome", flat=True)) == {"received", "accepted", "duplicate"}


def test_too_many_requests_are_waited_out_as_long_as_the_system_says(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make("hubspot", HubSpot([company(1)]))
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    world.api.next_answers = [Answer(429, {}, {"Retry-After": "7"}), Answer(503, {}, {"Retry-After": "3"})]
    world.pull(patience=Patience(attempts=3, first_wait_s=0, longest_wait_s=60))
    assert waits == [7, 3]
    assert len(world.ids()) == 1


def test_a_broken_answer_in_the_middle_is_said_and_the_next_pull_goes_on(make: Make) -> None:
    world = make("hubspot", HubSpot([company(number) for number in range(5)]))
    world.api.next_answers = [None, Answer(500, {}), Answer(500, {}), Answer(500, {})]
    with pytest.raises(UserError, match="HubSpot answered 500 to /crm/v3/objects/companies/search, 3 times") as told:
        world.pull()
    assert "run the same command again" in str(told.value)
    assert len(waiting()) == 2
    world.pull()
    assert len(world.ids()) == 5


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_says_what_to_do_and_never_the_token(make: Make, status: int) -> None:
    world = make("hubspot", HubSpot())
    world.api.next_answers = [Answer(status, {"message": "t0ken is wrong"})]
    with pytest.raises(UserError) as told:
        world.pull()
    assert f"HubSpot refused the token of the source 'my-hubspot' ({status})" in str(told.value)
    assert "crm.objects.companies.read" in str(told.value)
    assert "keepwell source change my-hubspot --secret-stdin" in str(told.value)
    assert "t0ken" not in str(told.value)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'"x"', b'{"results": 5}'])
def test_what_is_not_the_api_is_said(make: Make, body: bytes) -> None:
    world = make("hubspot", HubSpot())
    world.api.next_answers = [Answer(200, body)]
    with pytest.raises(UserError, match="something unexpected"):
        world.pull()


def test_a_server_that_is_away_is_said(make: Make) -> None:
    world = make("hubspot", HubSpot())
    world.source.settings = {"url": "http://127.0.0.1:9"}
    world.source.save()
    with pytest.raises(UserError, match=r"HubSpot at 127\.0\.0\.1:9 could not be asked: ConnectionError"):
        world.pull()


def test_the_token_goes_nowhere_else(make: Make) -> None:
    world = make("salesforce", lambda asked: Answer(200, {"records": [], "nextRecordsUrl": "http://127.0.0.2:1/x"}))
    with pytest.raises(UserError, match=r"the next page is at 127\.0\.0\.2:1"):
        world.pull()
    world.source.settings = {"url": "http://example.org"}
    world.source.save()
    with pytest.raises(UserError, match="is not https"):
        world.pull()


def test_more_than_one_question_gives_is_asked_in_several(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = tuple(replace(one, most=4 * bool(one.most)) for one in PullHubSpot.resources)
    monkeypatch.setattr(PullHubSpot, "resources", resources)
    world = make("hubspot", HubSpot([company(number) for number in range(11)], most=4))
    world.pull()
    assert len(world.ids()) == 11
    assert max(int(str(one.body.get("after", 0))) for one in world.api.asked) == 2


def test_only_what_changed_is_news(make: Make) -> None:
    hubspot = HubSpot([company(1), company(2)])
    world = make("hubspot", hubspot)
    world.pull()
    hubspot.companies = [company(1, name="Renamed", minute=30), company(2, minute=31)]
    found = world.pull()["companies"]
    assert (found.records, found.events, found.known) == (2, 1, 1)
    assert len(world.ids()) == 3


def test_a_time_in_the_future_hides_nothing_that_comes_later(make: Make) -> None:
    hubspot = HubSpot([company(1), company(2, minute=60 * 24 * 400)])
    world = make("hubspot", hubspot)
    assert world.pull()["companies"].rejected == 1
    hubspot.companies.append(company(3, minute=60 * 24 * 5))
    assert world.pull()["companies"].events == 1
    assert len(world.ids()) == 2


def test_deals_name_their_primary_company(make: Make) -> None:
    at = (NOW - timedelta(hours=2)).isoformat()
    pair = {"results": [{"id": "8", "type": "deal_to_company_unlabeled"}, {"id": "7", "type": "deal_to_company"}]}
    deal: Json = {"id": "d1", "properties": {"amount": "1200.50", "dealstage": "won", "hs_lastmodifieddate": at}}
    hubspot = HubSpot(deals=[{**deal, "associations": {"companies": pair}}, {**deal, "id": "d2"}])
    world = make("hubspot", hubspot, currency="EUR")
    world.pull()
    world.pull()
    events = waiting()
    assert [(one.name, one.account, json.loads(one.props)) for one in events] == [
        ("expansion_discussed", "7", {"amount": 1200.5, "currency": "EUR", "opportunity": "d1", "stage": "won"})
    ]


def test_tickets_open_once_and_solve_each_time(make: Make) -> None:
    zendesk = Zendesk(
        [ticket(1), ticket(2), ticket(3)], [{"id": 5, "name": "Acme", "updated_at": "2026-11-01T00:00:00Z"}]
    )
    world = make("zendesk", zendesk, email="ann@example.org")
    world.api.token = "YW5uQGV4YW1wbGUub3JnL3Rva2VuOnQwa2Vu"  # ann@example.org/token:t0ken
    world.pull()
    solved = {"solved_at": "2026-11-12T08:00:00Z"}
    zendesk.tickets.append(ticket(1, priority="urgent", status="solved", metric_set=solved))
    zendesk.tickets.append(ticket(1, status="closed", metric_set=solved, satisfaction_rating={"score": "good"}))
    world.api.asked.clear()
    found = world.pull()
    assert [one.params["cursor"] for one in world.api.asked if "tickets" in one.path] == [["3"]]
    assert (found["tickets"].records, found["tickets"].events) == (2, 2)
    events = {one.message_id.rpartition(":")[0] if "solved" in one.message_id else one.name: one for one in waiting()}
    assert json.loads(events["zendesk:ticket:1:solved"].props) == {"ticket": "1", "hours_to_solve": 48.0}
    assert json.loads(events["ticket_rated"].props) == {"ticket": "1", "rating": 5}
    names = [one.name for one in waiting()]
    assert (names.count("ticket_opened"), names.count("ticket_solved")) == (3, 1)
    assert {one.account for one in waiting()} == {"5"}
    assert len(world.ids()) == 6


def test_salesforce_is_asked_in_its_language(make: Make) -> None:
    at = "2026-11-10T08:00:00.000+0000"

    def answer(asked: object) -> Answer:
        query = asked.params.get("q", [""])[0]  # type: ignore[attr-defined]
        record: Json = {"Id": "1", "SystemModstamp": at}
        if asked.path.endswith("/next"):  # type: ignore[attr-defined]
            return Answer(200, {"records": [{**record, "Id": "2", "Name": "Birch"}], "done": True})
        if "FROM Account" in query:
            told = {"records": [{**record, "Name": "Acme", "NumberOfEmployees": 7}], "done": False}
            return Answer(200, {**told, "nextRecordsUrl": "/services/data/v62.0/query/next"})
        if "FROM Opportunity" in query:
            renewal = {"AccountId": "1", "Type": "Renewal", "Probability": 40, "Amount": 9}
            return Answer(200, {"records": [{**record, **renewal}, {**record, "Id": "o2", "AccountId": "1"}]})
        case = {"AccountId": "1", "Priority": "High", "IsClosed": True, "CreatedDate": at, "ClosedDate": at}
        return Answer(200, {"records": [{**record, **case}]})

    world = make("salesforce", answer)
    world.pull()
    assert [(one.name, one.account) for one in waiting()] == [
        ("account_updated", "1"),
        ("account_updated", "2"),
        ("renewal_estimated", "1"),
        ("expansion_discussed", "1"),
        ("ticket_opened", "1"),
        ("ticket_solved", "1"),
    ]
    world.pull()
    last = [one.params["q"][0] for one in world.api.asked if "q" in one.params][-3:]
    assert all("SystemModstamp >= 2026-11-10T07:59:00.000Z ORDER BY SystemModstamp, Id" in query for query in last)
    assert len(world.ids()) == 6


def test_the_first_pull_of_stripe_takes_how_subscriptions_stand(make: Make) -> None:
    price = {
        "unit_amount": 5000,
        "currency": "eur",
        "nickname": "Pro",
        "recurring": {"interval": "month", "interval_count": 1},
    }
    subscription: Json = {
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "created": START,
        "items": {"data": [{"price": price, "quantity": 3}]},
    }  # fmt: skip
    customer: Json = {"id": "cus_1", "object": "customer", "name": "Acme", "created": START}
    world = make("stripe", Stripe({"subscriptions": [subscription], "customers": [customer]}))
    world.pull()
    name, told = waiting()
    assert (name.name, name.account, json.loads(name.props)) == ("account_updated", "cus_1", {"name": "Acme"})
    props = json.loads(told.props)
    assert (told.name, told.account, props["mrr"], props["plan"], props["seats"]) == (
        "subscription_changed",
        "cus_1",
        150,
        "Pro",
        3,
    )
    world.pull()
    assert len(world.ids()) == 2


def test_one_bad_record_harms_only_itself_and_can_be_replayed(make: Make) -> None:
    bad = company(2)
    bad["properties"]["numberofemployees"] = "-1"  # type: ignore[index]
    world = make("hubspot", HubSpot([company(1), bad, company(3)]))
    assert world.pull()["companies"].rejected == 1
    again = world.pull()["companies"]
    assert (again.events, again.rejected) == (0, 0)
    kept = RejectedEvent.objects.get()
    assert (kept.code, kept.dialect) == ("negative_amount", "pull:hubspot")
    kept.body = bytes(kept.body).replace(b'"-1"', b'"1"')
    kept.save()
    assert do_replay_rejected(Home(world.home), [kept.pk], by="cli:root", now=NOW).taken == 1
    assert len(world.ids()) == 3


def test_a_dry_run_reads_first_pages_and_writes_nothing(make: Make) -> None:
    world = make("hubspot", HubSpot([company(number) for number in range(5)]))
    found = world.pull(is_dry=True)
    assert (found["companies"].records, found["companies"].events) == (2, 2)
    assert not InboxBatch.objects.exists()
    assert not PullPosition.objects.exists()
    assert not AuditEntry.objects.filter(act="pull_source").exists()


def test_what_cannot_be_pulled_says_why(make: Make, vault: Vault) -> None:
    world = make("hubspot", HubSpot())
    for connector, sentence in (("http", "which is not asked"), ("stripe", "has no token to sign in with")):
        world.source = do_create_source(f"a-{connector}", connector=connector, vault=vault, by="cli:root", now=NOW)
        with pytest.raises(UserError, match=sentence):
            world.pull()
    assert world.api.asked == []


def test_without_the_extra_the_line_that_installs_it_is_said(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make("hubspot", HubSpot())
    monkeypatch.setitem(sys.modules, "dlt", None)
    with pytest.raises(UserError, match=r"pip install 'keepwell\[pull\]'"):
        world.pull()


def letter(number: int) -> bytes:
    return (
        f"From: ann{number}@example.org\r\nTo: us@example.org\r\nMessage-ID: <m{number}@example.org>\r\n"
        f"Date: Thu, 19 Nov 2026 10:00:00 +0000\r\nSubject: Hello\r\n\r\nThanks a lot!\r\n"
    ).encode()


def test_a_mailbox_is_read_on_from_its_saved_position(make: Make, vault: Vault) -> None:
    folder = imap_server.Folder({number: letter(number) for number in (3, 4, 9)})
    world = make("hubspot", HubSpot())
    with imap_server.serving(folder) as port:
        settings = {"host": "127.0.0.1", "port": port, "name": "ann", "security": "none"}
        world.source = do_create_source(
            "inbox", connector="mail", settings=settings, secrets=["s3cret"], vault=vault, by="cli:root", now=NOW
        )
        assert world.pull()["mail"].events == 3
        folder.mails[12] = letter(12)
        folder.asked.clear()
        assert world.pull()["mail"].records == 1
        assert not [one for one in folder.asked if "FETCH 9 " in one]
        world.source.settings["name"] = "ann"
        world.source.secrets = vault.encrypt_list(["wrong"], "source inbox")
        world.source.save()
        with pytest.raises(UserError, match=r"The mailbox at 127\.0\.0\.1 could not be read"):
            world.pull()
    assert [one.message_id for one in waiting()] == [f"m{number}@example.org" for number in (3, 4, 9, 12)]
