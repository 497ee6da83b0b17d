"""A step that tells a program: what is posted to whom, what a preview says of it, and nothing lost in silence."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.base.settings import Settings
from keepwell.jobs.deliver import Post
from keepwell.jobs.playbook_preview import preview_playbooks
from keepwell.jobs.route import completed_target, do_add_route
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.store.models import EnrolmentRecord, Notification, NotificationRoute, StepRecord, Touch
from tests.channels.peers import Hook, hook_receiver
from tests.flows.playbook_world import account, falls, playing
from tests.flows.signal_world import BY, HOUR, MINUTE, NOW, Gym, mood

pytestmark = pytest.mark.django_db(transaction=True)

TELLS = """\
title: Rescue
starts_on: critical
priority: 90
approval: none
roles: [crm]
steps:
  - id: tell_crm
    kind: webhook
    title: Tell the CRM
    to: [crm]
    event: crm.account_in_danger
    data: {stage: rescue, weight: 3}
    after: 0m
  - {id: hello, kind: message, title: Hello, template: hello, after: 1h}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    with playing(tmp_path, {"rescue": TELLS}) as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path, secret_key="s" * 40, allow_private_targets=True, public_url="https://keepwell.example"
    )


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hook_receiver() as found:
        yield found


def crm(settings: Settings, hook: Hook, *roles: str) -> NotificationRoute:
    target, _ = completed_target("webhook", hook.url)
    return do_add_route(settings, team="CRM", channel="webhook", target=target, roles=roles, by=BY, now=NOW)


def said(settings: Settings) -> str:
    found = preview_playbooks(settings, embedded_engine(), account("acme"), "rescue", NOW + HOUR, now=NOW + HOUR)
    (deed,) = found.playbooks[0].steps[0].deeds
    return deed.sentence


def test_a_step_posts_the_account_and_its_own_data(world: Gym, settings: Settings, hook: Hook) -> None:
    crm(settings, hook, "crm")
    begun = falls(world, "acme", NOW)
    done = Post(settings, wait_s=30).do_deliver_notifications(now=begun + MINUTE)
    assert done["sent"] == 1
    told = json.loads(hook.bodies[0])
    record = EnrolmentRecord.objects.get()
    assert told["type"] == "crm.account_in_danger"
    assert told["data"] == {
        "subject": "step", "id": StepRecord.objects.get(step="tell_crm").pk,
        "account": {"key": "acme", "name": "acme"}, "title": "Tell the CRM", "sentence": "Step of the playbook: Rescue",
        "severity": "high", "roles": ["crm"], "link": f"https://keepwell.example/enrolments/{record.pk}",
        "happened_at": None, "respond_by": None, "package": "gym", "playbook": "rescue", "step": "tell_crm",
        "score": 10.0, "band": "critical", "data": {"stage": "rescue", "weight": 3},
    }  # fmt: skip
    assert StepRecord.objects.get(step="tell_crm").state == "done"


def test_it_is_posted_once_and_a_retry_has_the_same_id(world: Gym, settings: Settings, hook: Hook) -> None:
    crm(settings, hook)
    hook.status = 503
    begun = falls(world, "acme", NOW)
    post = Post(settings, wait_s=30)
    assert post.do_deliver_notifications(now=begun)["refused"] >= 1
    hook.status = 200
    world.live(begun + MINUTE, mood("acme", begun, 9))
    for minutes in (2, 3, 4):
        post.do_deliver_notifications(now=begun + minutes * MINUTE)
    posted = [
        (headers["webhook-id"], json.loads(body)["type"])
        for headers, body in zip(hook.headers, hook.bodies, strict=True)
    ]
    ids = [name for name, told in posted if told == "crm.account_in_danger"]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert not Notification.objects.exclude(route=None).exclude(state="sent").exists()


def test_a_step_that_nobody_takes_is_skipped_and_says_why(world: Gym, settings: Settings, hook: Hook) -> None:
    crm(settings, hook, "finance")
    begun = falls(world, "acme", NOW)
    Post(settings, wait_s=30).do_deliver_notifications(now=begun + MINUTE)
    step = StepRecord.objects.get(step="tell_crm")
    sentence = "No webhook takes what is told to crm; add one: keepwell notify add --channel webhook --role crm …"
    assert (step.state, step.because) == ("skipped", sentence)
    row = Notification.objects.get(event="crm.account_in_danger")
    assert (row.state, row.reason, row.route) == ("suppressed", sentence, None)
    assert hook.bodies == []
    world.turn(begun + 2 * HOUR)
    assert [touch.step for touch in Touch.objects.all()] == ["hello"]


def test_a_preview_says_which_webhooks_it_would_go_to(world: Gym, settings: Settings, hook: Hook) -> None:
    world.live(NOW, mood("acme", NOW - MINUTE, 50))
    assert said(settings).startswith("Posts nothing: No webhook takes what is told to crm")
    first, second = crm(settings, hook, "crm"), crm(settings, hook)
    assert said(settings) == (
        f"Posts 'crm.account_in_danger': webhook to 127.0.0.1/… (route {first.pk}) and "
        f"webhook to 127.0.0.1/… (route {second.pk})"
    )
    assert not Notification.objects.filter(event="crm.account_in_danger").exists()


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ("event: CRM", "'event' must be small letters, digits and underscores, with points between words"),
        ("to: []", "'to' must have at least 1"),
        ("data: {stage: [a]}", "'stage' must be text, true or false, a whole number or a number, not a list"),
        ("too: [crm]", "unknown key 'too'. Did you mean 'to'?"),
    ],
)
def test_what_a_step_cannot_say_is_refused_with_its_line(tmp_path: Path, part: str, problem: str) -> None:
    changed = TELLS.replace("    event: crm.account_in_danger\n", f"    {part}\n")
    if part.startswith("to:"):
        changed = changed.replace("    to: [crm]\n", "")
    if part.startswith("data:"):
        changed = changed.replace("    data: {stage: rescue, weight: 3}\n", "")
    with (
        pytest.raises(Exception, match=r"playbooks/rescue\.yaml:\d+: ") as found,
        playing(tmp_path, {"rescue": changed}),
    ):
        pass
    assert problem in str(found.value)
