"""Opting out: it holds at once, for the contact and its address, and nothing leaves after it was confirmed."""

import random
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from keepwell.base.errors import UserError
from keepwell.jobs import opt_out as opt_out_module
from keepwell.jobs.audit import verify_chain
from keepwell.jobs.opt_out import (
    REASON,
    do_end_opt_out,
    do_opt_out,
    unsubscribe_link,
    unsubscribing_contact,
    wait_for_flights,
)
from keepwell.store.models import AuditEntry, Contact, OptOut, Touch, TouchedAccount
from keepwell.store.read.opt_out import opted_out_contacts, plain_address
from tests.jobs.touch_world import NOW, claim, contact, touch

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def secret_key() -> None:
    """Without a home there is none."""
    django_settings.SECRET_KEY = "t" * 40


def opt_out(who: Contact | str, way: str = "link") -> list[int]:
    return do_opt_out(who, way=way, by="test", now=NOW)


def states() -> Counter[str]:
    return Counter(Touch.objects.values_list("state", flat=True))


def test_what_waits_is_suppressed_and_what_has_left_stays_as_it_is() -> None:
    ada = contact("acme", "ada@acme.example")
    rows = {state: touch(ada, state) for state in ("asked", "todo", "claimed", "sent", "failed", "unknown")}
    other = touch(contact("acme", "ben@acme.example"))
    assert opt_out(ada) == [ada.pk]
    assert states() == {"suppressed": 2, "claimed": 1, "sent": 1, "failed": 1, "unknown": 1, "todo": 1}
    for state in ("asked", "todo"):
        rows[state].refresh_from_db()
        assert (rows[state].reason, rows[state].settled_at) == (REASON, NOW)
    other.refresh_from_db()
    assert other.state == "todo"


def test_it_holds_for_the_address_at_every_account_in_whatever_letters() -> None:
    ada = contact("acme", "ada@acme.example")
    again = contact("borealis", " Ada@ACME.example ")
    longer = contact("borealis", "nada@acme.example")
    touch(again)
    touch(longer)
    assert opt_out(ada) == [ada.pk, again.pk]
    assert states() == {"suppressed": 1, "todo": 1}
    later = contact("cobalt", "ADA@acme.example")
    everybody = [ada.pk, again.pk, longer.pk, later.pk]
    assert opted_out_contacts(everybody) == {ada.pk, again.pk, later.pk}
    assert claim([touch(later)]) == []


@pytest.mark.parametrize(
    ("written", "asked"), [("Éva@acme.example", "éVA@Acme.example"), ("ada@MÜLLER.example", "ada@müller.example")]
)
def test_letters_beyond_ascii_have_small_forms_too(written: str, asked: str) -> None:
    eva = contact("acme", written)
    assert opt_out(asked) == [eva.pk]
    assert opted_out_contacts([eva.pk]) == {eva.pk}


def test_signs_that_mean_something_to_a_database_are_only_signs() -> None:
    contact("acme", "adaXb@acme.example")
    own = contact("acme", "ada_b@acme.example")
    assert opt_out("ada_b@acme.example") == [own.pk]


def test_it_holds_for_the_contact_when_its_address_changes() -> None:
    ada = contact("acme", "ada@acme.example")
    opt_out(ada)
    Contact.objects.filter(pk=ada.pk).update(email="ada@new.example")
    assert opted_out_contacts([ada.pk]) == {ada.pk}
    # Whoever gets the old address later is not the one who asked, but nobody can know that.
    heir = contact("borealis", "ada@acme.example")
    assert opted_out_contacts([heir.pk]) == {heir.pk}


def test_contacts_without_an_address_have_nothing_to_do_with_each_other() -> None:
    first, second = contact("acme"), contact("acme")
    assert opt_out(first) == [first.pk]
    assert opted_out_contacts([first.pk, second.pk]) == {first.pk}


def test_an_address_that_nobody_has_yet_can_opt_out() -> None:
    assert opt_out(" Eve@Acme.example") == []
    assert opted_out_contacts([contact("acme", "eve@acme.example").pk])
    assert "acme" not in f"{AuditEntry.objects.get().noun} {AuditEntry.objects.get().details}"
    with pytest.raises(UserError, match="is not an e-mail address"):
        opt_out("eve")


def test_said_twice_it_changes_nothing() -> None:
    ada = contact("acme", "ada@acme.example")
    touch(ada)
    opt_out(ada)
    TouchedAccount.objects.all().delete()
    before = list(OptOut.objects.values()), list(Touch.objects.values()), AuditEntry.objects.count()
    assert do_opt_out(ada, way="one_click", by="somebody", now=NOW + timedelta(days=1)) == [ada.pk]
    assert (list(OptOut.objects.values()), list(Touch.objects.values()), AuditEntry.objects.count()) == before
    assert not TouchedAccount.objects.exists()


def test_what_slipped_in_since_is_suppressed_by_saying_it_again() -> None:
    ada = contact("acme", "ada@acme.example")
    opt_out(ada)
    touch(ada)
    opt_out(ada)
    assert states() == {"suppressed": 1}


def test_the_accounts_are_looked_at_and_the_act_is_in_the_audit() -> None:
    ada, again = contact("acme", "ada@acme.example"), contact("borealis", "ada@acme.example")
    touch(again)
    opt_out(ada, way="member")
    assert set(TouchedAccount.objects.values_list("account", flat=True)) == {ada.account_id, again.account_id}
    entry = AuditEntry.objects.get(act="opt_out")
    assert (entry.noun, entry.by, entry.at) == (f"contact:{ada.pk}", "test", NOW)
    assert entry.details == {"way": "member", "contacts": [ada.pk, again.pk], "suppressed": 1}
    assert "acme.example" not in str(entry.details)
    assert verify_chain().holds


def test_nothing_is_left_half_done_when_the_audit_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no audit")

    ada = contact("acme", "ada@acme.example")
    touch(ada)
    monkeypatch.setattr(opt_out_module, "record_act", fail)
    with pytest.raises(RuntimeError):
        opt_out(ada)
    assert states() == {"todo": 1}
    assert not OptOut.objects.exists()
    assert not TouchedAccount.objects.exists()


def test_it_ends_only_when_somebody_ends_it() -> None:
    ada, again = contact("acme", "ada@acme.example"), contact("borealis", "Ada@acme.example")
    opt_out(ada)
    assert do_end_opt_out(again, by="ops", now=NOW + timedelta(days=1))
    assert opted_out_contacts([ada.pk, again.pk]) == set()
    row = OptOut.objects.get()
    assert (row.ended_at, row.ended_by) == (NOW + timedelta(days=1), "ops")
    assert not do_end_opt_out(ada, by="ops", now=NOW + timedelta(days=2))
    assert list(AuditEntry.objects.order_by("pk").values_list("act", flat=True)) == ["opt_out", "end_opt_out"]
    opt_out(ada)
    assert opted_out_contacts([ada.pk, again.pk]) == {ada.pk, again.pk}
    assert OptOut.objects.count() == 2


def test_ending_it_for_an_address_leaves_those_out_who_have_another_by_now() -> None:
    ada, ben = contact("acme", "office@acme.example"), contact("acme", "office@acme.example")
    opt_out(ada)
    Contact.objects.filter(pk=ada.pk).update(email="ada@acme.example")
    assert do_end_opt_out(ben, by="ops", now=NOW)
    assert opted_out_contacts([ada.pk, ben.pk]) == {ada.pk}


def test_opting_out_uses_the_address_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    ada, other = contact("acme", "old@acme.example"), contact("borealis", "new@acme.example")
    Contact.objects.filter(pk=ada.pk).update(email="new@acme.example")
    assert opt_out(ada) == [ada.pk, other.pk]


def test_consent_is_read_by_two_questions(django_assert_num_queries: object) -> None:
    many = [contact("acme", f"p{number}@acme.example").pk for number in range(30)]
    opt_out("p7@acme.example")
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert opted_out_contacts(many) == {many[7]}
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert opted_out_contacts([]) == set()


def test_the_confirmation_waits_for_what_is_being_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = contact("acme", "ada@acme.example")
    flight = touch(ada, "claimed")
    held = opt_out(ada)
    looks: list[float] = []

    def pass_time(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            Touch.objects.filter(pk=flight.pk).update(state="sent")

    monkeypatch.setattr(time, "sleep", pass_time)
    assert wait_for_flights(held, 60)
    assert len(looks) == 3


def test_the_confirmation_says_so_when_a_message_is_still_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = contact("acme", "ada@acme.example")
    touch(ada, "claimed")
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    assert not wait_for_flights([ada.pk], 5)
    assert clock[0] == pytest.approx(5)
    assert wait_for_flights([contact("acme").pk], 5)


def test_the_link_names_its_contact_and_nobody_can_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = contact("acme", "ada@acme.example")
    link = unsubscribe_link("https://keepwell.example", ada.pk)
    start, _, token = link.rpartition("/")
    assert start == "https://keepwell.example/unsubscribe"
    assert len(link) < 120
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert unsubscribing_contact(token) == ada
    altered = [token[:-1], token + "A", f"{ada.pk + 1}{token[token.index('.') :]}", "", ".", str(ada.pk), "x.y", "\0"]
    assert [unsubscribing_contact(one) for one in altered] == [None] * len(altered)
    monkeypatch.setattr(django_settings, "SECRET_KEY", "another" * 8)
    assert unsubscribing_contact(token) is None


def test_the_link_of_a_contact_that_is_gone_leads_nowhere() -> None:
    ada = contact("acme", "ada@acme.example")
    token = unsubscribe_link("", ada.pk).rpartition("/")[2]
    ada.delete()
    assert unsubscribing_contact(token) is None


def in_force(people: list[Contact]) -> tuple[set[int], set[str]]:
    """Contacts and addresses whose opt-outs were confirmed and not ended; read straight from the table."""
    rows = OptOut.objects.filter(ended_at=None)
    addresses = {address for address in rows.values_list("address", flat=True) if address}
    contacts = {one.contact_id for one in rows if one.contact_id is not None}
    return contacts | {one.pk for one in people if one.email.strip().lower() in addresses}, addresses


EMAILS = ("ada@acme.example", "Ada@Acme.example", " ada@acme.EXAMPLE", "ben@acme.example", "cleo@acme.example", "")


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_handed_over_after_an_opt_out_at_a_random_moment(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are queued, approved, claimed and handed over, contacts imported, in any order around opt-outs."""
    dice = random.Random(seed)
    people = [contact(f"account-{number % 4}", dice.choice(EMAILS)) for number in range(10)]
    confirmed: set[int] = set()
    addresses: set[str] = set()
    handed_over = Counter[str]()

    def hand_over(one: Touch) -> None:
        assert one.contact_id not in confirmed
        assert one.contact is not None
        assert plain_address(one.contact.email) not in addresses
        Touch.objects.filter(pk=one.pk).update(state="sent", settled_at=NOW)
        handed_over["sent"] += 1

    def land(_: float) -> None:
        hand_over(dice.choice(list(Touch.objects.filter(state="claimed"))))

    monkeypatch.setattr(time, "sleep", land)
    for _ in range(200):
        act = dice.choice(("queue", "queue", "approve", "claim", "claim", "hand over", "import", "opt out", "return"))
        who = dice.choice(people)
        if act == "queue":
            touch(who, dice.choice(("asked", "todo")))
        elif act == "approve":
            Touch.objects.filter(state="asked").update(state="todo", approved_at=NOW)
        elif act == "claim":
            claim(Touch.objects.filter(state="todo").order_by("pk")[: dice.randrange(4)])
        elif act == "hand over":
            for one in Touch.objects.filter(state="claimed")[: dice.randrange(3)]:
                hand_over(one)
        elif act == "import":
            people.append(contact(f"account-{dice.randrange(5)}", dice.choice(EMAILS)))
        elif act == "opt out" and dice.random() < 0.4:
            held = opt_out(dice.choice((who, who.email)) or who, way=dice.choice(("link", "one_click", "member")))
            assert wait_for_flights(held, 60)
            handed_over["opted out"] += 1
            confirmed, addresses = in_force(people)
        elif act == "return" and dice.random() < 0.1:
            do_end_opt_out(who, by="test", now=NOW)
            confirmed, addresses = in_force(people)
    assert not Touch.objects.filter(contact__in=confirmed, state="claimed").exists()
    assert handed_over["sent"] > 3
    assert handed_over["opted out"] > 0
