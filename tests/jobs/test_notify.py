"""Notices from the queue to their recipients, through real peers: at most once, in order, and nothing in silence."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction

from keepwell.base.business_time import Calendar
from keepwell.base.errors import UserError
from keepwell.base.settings import Settings
from keepwell.facts.gathering import MOST_AT_ONCE, WINDOW
from keepwell.facts.notice import Notice
from keepwell.jobs.deliver import LEASE, MOST_ATTEMPTS, PAUSES, Post
from keepwell.jobs.notify import do_queue_notifications, do_suppress_notifications
from keepwell.jobs.route import (
    completed_target,
    do_add_route,
    do_assign_role,
    do_remove_route,
    do_test_route,
    do_unassign_role,
)
from keepwell.jobs.secret import do_rotate_secrets
from keepwell.store.models import AuditEntry, Member, Notification, NotificationRoute
from keepwell.store.read.notification import notification_health, notification_rows, route_rows
from tests.channels.peers import Hook, Mailboxes, hook_receiver, mail_server

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CALENDAR = Calendar(zone="Europe/Berlin")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boxes() -> Iterator[Mailboxes]:
    with mail_server() as found:
        yield found


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hook_receiver() as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, boxes: Mailboxes) -> Settings:
    for email, role in (("ada@ours.example", "owner"), ("ben@ours.example", "viewer"), ("cleo@ours.example", "csm")):
        Member.objects.create_user(email, None, name=email.partition("@")[0], role=role)
    return Settings(
        home=tmp_path, secret_key="s" * 40, mail_host="127.0.0.1", mail_port=boxes.port, mail_security="none",
        mail_sender="keepwell@ours.example", allow_private_targets=True, public_url="https://keepwell.example",
        calendar_zone="Europe/Berlin",
    )  # fmt: skip


def notice(number: int, **more: object) -> Notice:
    plain = Notice(
        subject="alert",
        subject_id=number,
        account_name=f"Account {number}",
        title="Health score below 20",
        sentence="The health score fell from 41 to 18 in 2 days.",
        severity="high",
        roles=("ceo",),
        link=f"/alerts/{number}",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def queue(*notices: Notice, now: datetime = NOW) -> int:
    return do_queue_notifications(notices, calendar=CALENDAR, by="worker", now=now)


def deliver(settings: Settings, now: datetime = NOW) -> Counter[str]:
    done = Post(settings, wait_s=30).do_deliver_notifications(now=now)
    return Counter({outcome: count for outcome, count in done.items() if count})


def ceo_is_ben(settings: Settings) -> NotificationRoute:
    do_assign_role("ceo", "ben@ours.example", by="cli:ops", now=NOW)
    return do_add_route(settings, member="ben@ours.example", by="cli:ops", now=NOW)


def states() -> Counter[str]:
    return Counter(Notification.objects.values_list("state", flat=True))


@pytest.mark.requirement("A035", "A139", "A143")
def test_a_critical_alert_is_told_to_the_ceo_at_once(settings: Settings, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    with transaction.atomic():
        assert queue(notice(7, severity="critical", respond_by=NOW + timedelta(hours=1))) == 1
    assert deliver(settings) == {"sent": 1}
    assert boxes.to == ["ben@ours.example"]
    assert boxes.taken[0]["Subject"] == "Critical: Account 7 – Health score below 20"
    text = boxes.taken[0].get_content()
    assert "Please answer by: Wed 25 Nov 2026, 10:00 (Europe/Berlin)" in text
    assert "See: https://keepwell.example/alerts/7" in text
    assert states() == {"sent": 1}
    assert AuditEntry.objects.filter(act="notify_member", details__outcome="sent").count() == 1


@pytest.mark.requirement("B096", "B097", "B098", "B099")
def test_a_storm_is_one_message_now_and_one_ten_minutes_later(settings: Settings, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    queue(notice(1))
    deliver(settings)
    for number in range(2, 40):
        now = NOW + number * timedelta(seconds=10)
        queue(notice(number), now=now)
        assert deliver(settings, now) == {}
    assert deliver(settings, NOW + WINDOW) == {"sent": 1}
    assert [mail["Subject"].partition(":")[0] for mail in boxes.taken] == ["High", "38 high notices"]
    assert states() == {"sent": 39}


@pytest.mark.requirement("B100", "B101", "B102", "B103")
def test_daily_notices_come_together_in_the_morning(settings: Settings, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    queue(*(notice(number, tell="daily", severity="low") for number in range(3)))
    assert deliver(settings, NOW + timedelta(hours=23, minutes=59)) == {}
    assert deliver(settings, NOW + timedelta(hours=24)) == {"sent": 1}
    assert boxes.taken[0]["Subject"] == "3 low notices: Account 0, Account 1 and 1 more account"


def test_a_subject_is_told_to_each_recipient_once(settings: Settings, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    assert [queue(notice(1)), queue(notice(1), notice(2)), queue(notice(1))] == [1, 1, 0]
    deliver(settings)
    queue(notice(1), now=NOW + WINDOW)
    deliver(settings, NOW + WINDOW)
    assert len(boxes.taken) == 1


def test_routes_take_what_is_severe_enough_and_in_their_roles(settings: Settings, hook: Hook, boxes: Mailboxes) -> None:
    do_assign_role("ceo", "ben@ours.example", by="cli:ops", now=NOW)
    do_add_route(settings, member="ben@ours.example", severity="critical", by="cli:ops", now=NOW)
    do_add_route(settings, team="#cs", channel="slack", target=hook.url + "/cs", roles=["csm"], by="cli:ops", now=NOW)
    do_add_route(settings, team="#all", channel="slack", target=hook.url + "/all", by="cli:ops", now=NOW)
    queue(notice(1))
    deliver(settings)
    assert (boxes.taken, hook.paths) == ([], ["/all"])
    cleo = Member.objects.get(email="cleo@ours.example").pk
    queue(notice(2, severity="critical", roles=("ceo", "csm"), account_owner_id=cleo), now=NOW + WINDOW)
    deliver(settings, NOW + WINDOW)
    assert (boxes.to, sorted(hook.paths[1:])) == (["ben@ours.example"], ["/all", "/cs"])


@pytest.mark.requirement("A035")
def test_an_empty_role_is_told_to_owners_and_admins_with_the_reason(settings: Settings, boxes: Mailboxes) -> None:
    do_add_route(settings, member="ada@ours.example", by="cli:ops", now=NOW)
    queue(notice(1))
    deliver(settings)
    assert boxes.to == ["ada@ours.example"]
    assert "Nobody holds the role ceo, so owners and admins are told." in boxes.taken[0].get_content()


def test_whoever_has_no_route_is_not_forgotten(settings: Settings) -> None:
    do_assign_role("ceo", "ben@ours.example", by="cli:ops", now=NOW)
    assert [queue(notice(1), notice(2)), queue(notice(1))] == [2, 0]
    assert deliver(settings) == {}
    assert states() == {"suppressed": 2}
    assert notification_health(now=NOW, late=MINUTE).untold == 2
    assert notification_rows(5)[0].reason == "No route leads to this member."


def test_what_settled_itself_is_told_nobody(settings: Settings, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    queue(notice(1), notice(2))
    assert do_suppress_notifications("alert", [1], "The alert was closed.", by="worker", now=NOW) == 1
    deliver(settings)
    assert boxes.taken[0]["Subject"] == "High: Account 2 – Health score below 20"
    assert do_suppress_notifications("alert", [1, 2], "The alert was closed.", by="worker", now=NOW) == 0
    row = Notification.objects.get(subject_id=1)
    assert (row.state, row.reason) == ("suppressed", "The alert was closed.")


def test_a_refused_message_is_tried_again_and_then_given_up(settings: Settings, boxes: Mailboxes) -> None:
    route = ceo_is_ben(settings)
    boxes.answers["RCPT"] = "451 4.7.1 greylisted"
    queue(notice(1))
    now = NOW
    for pause in PAUSES:
        assert deliver(settings, now) == {"refused": 1}
        assert deliver(settings, now + pause - timedelta(seconds=1)) == {}
        now += pause
    assert Notification.objects.get().reason == "The mail server answered 451: 4.7.1 greylisted"
    assert deliver(settings, now) == {"refused": 1}
    row = Notification.objects.get()
    assert (row.state, row.attempts) == ("failed", MOST_ATTEMPTS)
    assert notification_health(now=now, late=MINUTE).failed == 1
    boxes.answers.clear()
    assert do_test_route(settings, route.pk, by="cli:ops", now=now).outcome == "sent"
    queue(notice(2), now=now)
    assert deliver(settings, now) == {"sent": 1}


def test_greylisting_is_waited_out(settings: Settings, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    boxes.answers["RCPT"] = "451 4.7.1 greylisted"
    queue(notice(1))
    deliver(settings)
    boxes.answers.clear()
    assert deliver(settings, NOW + MINUTE) == {"sent": 1}
    assert (len(boxes.taken), states()) == (1, {"sent": 1})


def test_a_message_that_may_have_arrived_is_shown_and_not_sent_again(settings: Settings, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    boxes.answers["DATA"] = ""
    queue(notice(1))
    assert deliver(settings) == {"unknown": 1}
    boxes.answers.clear()
    assert deliver(settings, NOW + timedelta(days=3)) == {}
    assert (len(boxes.taken), states()) == (1, {"unknown": 1})
    assert notification_health(now=NOW, late=MINUTE).unknown == 1


def test_a_channel_that_hangs_holds_nobody_up(settings: Settings, hook: Hook, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    hook.gate = threading.Event()
    do_add_route(settings, team="#cs", channel="slack", target=hook.url, by="cli:ops", now=NOW)
    post = Post(settings, wait_s=1)
    queue(notice(1))
    assert post.do_deliver_notifications(now=NOW)["sent"] == 1
    assert boxes.to == ["ben@ours.example"]
    assert states() == {"sent": 1, "claimed": 1}
    queue(notice(2), now=NOW + MINUTE)
    assert post.do_deliver_notifications(now=NOW + MINUTE)["sent"] == 0
    assert len(hook.bodies) == 1
    late = NOW + LEASE
    assert post.do_deliver_notifications(now=late)["unknown"] == 1
    assert Notification.objects.get(subject_id=1, route__team="#cs").state == "unknown"
    hook.gate.set()
    after = Post(settings, wait_s=30).do_deliver_notifications(now=late + WINDOW)
    assert after["sent"] == 2
    assert Notification.objects.get(subject_id=1, route__team="#cs").state == "unknown"


def test_a_confirmed_answer_of_an_earlier_turn_is_taken(settings: Settings, hook: Hook) -> None:
    do_assign_role("ceo", "ben@ours.example", by="cli:ops", now=NOW)
    hook.gate = threading.Event()
    do_add_route(settings, member="ben@ours.example", channel="slack", target=hook.url, by="cli:ops", now=NOW)
    post = Post(settings, wait_s=0.2)
    queue(notice(1))
    assert post.do_deliver_notifications(now=NOW)["sent"] == 0
    hook.gate.set()
    patient = Post(settings, wait_s=30)
    patient._flights = post._flights
    assert patient.do_deliver_notifications(now=NOW + MINUTE)["sent"] == 1


def test_a_removed_route_and_a_disabled_member_get_nothing(settings: Settings, hook: Hook) -> None:
    route = ceo_is_ben(settings)
    other = do_add_route(settings, member="ben@ours.example", channel="slack", target=hook.url, by="cli:ops", now=NOW)
    queue(notice(1))
    do_remove_route(route.pk, by="cli:ops", now=NOW)
    assert NotificationRoute.objects.get(pk=route.pk).target == ""
    Member.objects.filter(email="ben@ours.example").update(is_active=False)
    assert deliver(settings) == {}
    assert (states(), hook.bodies) == ({"suppressed": 2}, [])
    with pytest.raises(UserError, match=f"no route {route.pk}"):
        do_remove_route(route.pk, by="cli:ops", now=NOW)
    assert [row.number for row in route_rows()] == [other.pk]


def test_a_target_is_a_secret_and_survives_a_rotation(settings: Settings, hook: Hook) -> None:
    do_assign_role("ceo", "ben@ours.example", by="cli:ops", now=NOW)
    target = hook.url + "/services/T0/B0/hush"
    route = do_add_route(settings, member="ben@ours.example", channel="slack", target=target, by="cli:ops", now=NOW)
    do_rotate_secrets(settings, by="cli:ops", now=NOW)
    kept = [*NotificationRoute.objects.values_list(), *AuditEntry.objects.values_list()]
    assert "hush" not in repr(kept)
    assert route.shown == "127.0.0.1/…"
    queue(notice(1))
    deliver(settings)
    assert hook.paths == ["/services/T0/B0/hush"]


def test_only_owners_and_admins_set_routes(settings: Settings, hook: Hook) -> None:
    for email in ("ben@ours.example", "cleo@ours.example"):
        with pytest.raises(UserError, match="Only owners and admins"):
            do_add_route(settings, team="#cs", channel="slack", target=hook.url, by=email, now=NOW)
    route = do_add_route(settings, team="#cs", channel="slack", target=hook.url, by="ada@ours.example", now=NOW)
    with pytest.raises(UserError, match="Only owners and admins"):
        do_remove_route(route.pk, by="cleo@ours.example", now=NOW)


def test_private_targets_are_refused_without_the_setting(settings: Settings, hook: Hook) -> None:
    closed = replace(settings, allow_private_targets=False)
    for target in ("https://127.0.0.1/x", "https://10.0.0.7/x", "https://169.254.169.254/latest"):
        with pytest.raises(UserError, match="does not lie in the public network"):
            do_add_route(closed, team="#cs", channel="slack", target=target, by="cli:ops", now=NOW)
    named = hook.url.replace("127.0.0.1", "localhost")
    do_add_route(settings, team="#cs", channel="slack", target=named, by="cli:ops", now=NOW)
    queue(notice(1))
    assert deliver(closed) == {"refused": 1}
    assert hook.paths == []


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"member": "bem@ours.example"}, "Did you mean 'ben@ours.example'"),
        (
            {"member": "ben@ours.example", "channel": "slak"},
            "expected one of apprise, mail, slack, teams, webhook. Did you mean 'slack'",
        ),
        ({"member": "ben@ours.example", "severity": "hgh"}, "critical, high, medium, low. Did you mean 'high'"),
        ({"member": "ben@ours.example", "team": "#cs"}, "one member or to one team"),
        ({}, "one member or to one team"),
        ({"team": "#cs"}, "is not one mail address"),
        ({"member": "ben@ours.example", "roles": ["C E O"]}, "is not a role; expected small letters"),
    ],
)
def test_a_route_that_cannot_be_is_told_what_was_expected(
    settings: Settings, parts: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        do_add_route(settings, by="cli:ops", now=NOW, **parts)  # type: ignore[arg-type]


def test_roles_are_given_and_taken(settings: Settings) -> None:
    do_assign_role("cto", "ben@ours.example", by="cli:ops", now=NOW)
    with pytest.raises(UserError, match="already"):
        do_assign_role("cto", "ben@ours.example", by="cli:ops", now=NOW)
    with pytest.raises(UserError, match="Owners and admins hold"):
        do_assign_role("admin", "ben@ours.example", by="cli:ops", now=NOW)
    with pytest.raises(UserError, match="Did you mean 'cto'"):
        do_unassign_role("ctoo", "ben@ours.example", by="cli:ops", now=NOW)
    do_unassign_role("cto", "ben@ours.example", by="cli:ops", now=NOW)
    assert list(AuditEntry.objects.order_by("pk").values_list("act", flat=True)) == ["assign_role", "unassign_role"]


def crm(settings: Settings, hook: Hook, **more: object) -> NotificationRoute:
    """A program that is told everything."""
    target, _ = completed_target("webhook", hook.url + "/in")
    return do_add_route(settings, team="crm", channel="webhook", target=target, by="cli:ops", now=NOW, **more)  # type: ignore[arg-type]


def names(hook: Hook) -> list[str]:
    return [headers["webhook-id"] for headers in hook.headers]


def test_a_program_gets_every_notice_by_itself_and_at_once(settings: Settings, hook: Hook) -> None:
    crm(settings, hook)
    queue(notice(1, account_key="acme", severity="critical", respond_by=NOW + MINUTE), notice(2))
    assert deliver(settings) == {"sent": 2}
    queue(notice(3), now=NOW + MINUTE)
    assert deliver(settings, NOW + MINUTE) == {"sent": 1}
    told = sorted((json.loads(body) for body in hook.bodies), key=lambda one: one["data"]["id"])
    assert [one["data"]["id"] for one in told] == [1, 2, 3]
    assert len(set(names(hook))) == 3
    assert told[0] == {
        "type": "keepwell.alert",
        "timestamp": "2026-11-25T08:00:00+00:00",
        "data": {
            "subject": "alert", "id": 1, "account": {"key": "acme", "name": "Account 1"},
            "title": "Health score below 20", "sentence": "The health score fell from 41 to 18 in 2 days.",
            "severity": "critical", "roles": [], "link": "https://keepwell.example/alerts/1", "happened_at": None,
            "respond_by": "2026-11-25T08:01:00+00:00",
        },
    }  # fmt: skip


def test_what_a_program_gets_again_has_the_same_id(settings: Settings, hook: Hook) -> None:
    crm(settings, hook)
    hook.status = 503
    queue(notice(1))
    assert deliver(settings) == {"refused": 1}
    queue(notice(2), now=NOW + MINUTE)
    hook.status = 200
    assert deliver(settings, NOW + MINUTE) == {"sent": 2}
    first, *later = zip(names(hook), hook.bodies, strict=True)
    assert first in later
    assert len({name for name, _ in later}) == 2
    assert {headers["webhook-timestamp"] for headers in hook.headers} == {"1795593600", "1795593660"}


def test_a_message_with_more_in_it_is_another_one(settings: Settings, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    boxes.answers["DATA"] = "451 later"
    queue(notice(1))
    deliver(settings)
    tried = Notification.objects.get().message_id
    deliver(settings, NOW + MINUTE)
    assert Notification.objects.get().message_id == tried
    boxes.answers.clear()
    queue(notice(2), now=NOW + 2 * MINUTE)
    assert deliver(settings, NOW + 7 * MINUTE) == {"sent": 1}
    assert tried not in Notification.objects.values_list("message_id", flat=True)


def test_a_program_is_posted_a_few_notices_at_a_time(settings: Settings, hook: Hook) -> None:
    crm(settings, hook)
    queue(*(notice(number) for number in range(MOST_AT_ONCE + 3)))
    assert deliver(settings) == {"sent": MOST_AT_ONCE}
    assert deliver(settings) == {"sent": 3}


def test_a_hook_that_is_gone_has_failed_for_good(settings: Settings, hook: Hook) -> None:
    crm(settings, hook)
    hook.status = 410
    queue(notice(1))
    assert deliver(settings) == {"failed": 1}
    assert Notification.objects.get(route__isnull=False).reason == "The hook answered 410."


def test_what_is_for_programs_goes_to_them_alone(settings: Settings, hook: Hook, boxes: Mailboxes) -> None:
    ceo_is_ben(settings)
    event = notice(1, subject="step", event="crm.at_risk", data={"score": 18.5}, severity="medium")
    crm(settings, hook, roles=["cto"])
    queue(event)
    assert (deliver(settings), hook.bodies) == ({}, [])
    row = Notification.objects.get()
    assert (row.state, row.reason) == (
        "suppressed",
        "No webhook takes what is told to ceo; add one: keepwell notify add --channel webhook --role ceo …",
    )
    assert notification_health(now=NOW, late=MINUTE).untold == 1
    crm(settings, hook, roles=["ceo"])
    queue(replace(event, subject_id=2))
    assert deliver(settings) == {"sent": 1}
    told = json.loads(hook.bodies[0])
    assert (told["type"], told["data"]["score"], told["data"]["roles"]) == ("crm.at_risk", 18.5, ["ceo"])
    assert boxes.taken == []


def test_a_test_message_to_a_program_says_that_it_is_one(settings: Settings, hook: Hook) -> None:
    route = crm(settings, hook)
    assert do_test_route(settings, route.pk, by="cli:ops", now=NOW).outcome == "sent"
    assert json.loads(hook.bodies[0])["type"] == "keepwell.test"
