"""A company at whose accounts a playbook runs: what it asks for, gives, offers, skips and leaves for later.

Acme and Beta fell half an hour ago. Robin holds the role in whose name the playbook writes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from keepwell.jobs.member import do_add_member
from keepwell.jobs.route import do_assign_role
from keepwell.store.models import EnrolmentRecord, Member, Task, Touch
from tests.flows.playbook_world import TEMPLATES, falls, playing
from tests.flows.signal_world import BY, MINUTE, Gym

CARE: Final = """\
title: Win the account back
starts_on: critical
priority: 90
approval: sender
late: ask
grace: 6h
roles: [coach]
offers:
  training: {title: Free training, valid_for: 14d}
steps:
  - {id: hello, kind: message, title: Personal mail, template: hello, from: coach, after: 0m}
  - {id: call, kind: task, title: Call them, about: Ask what went wrong., role: coach, document: hello, after: 0m}
  - {id: training, kind: offer, title: Offer a training, offers: [training], after: 0m}
  - {id: wish, kind: message, title: Their wish, template: wish, after: 0m}
  - {id: again, kind: message, title: Ask again, template: again, from: coach, after: 48h, only_if: {no_response: true}}
  - {id: tell, kind: notify, title: Tell the coach, notify: [coach], sentence: Nobody answered., after: 72h}
"""
# Those of the world, signed by whoever holds the role.
SIGNED: Final = {
    name: TEMPLATES[name].replace("\n---\n", "\nfrom_role: coach\n---\n", 1) for name in ("hello", "again")
}


@contextmanager
def playbook_company(folder: Path, now: datetime) -> Iterator[Gym]:
    with playing(folder, {"care": CARE}, now=now, **SIGNED) as world:
        robin = do_add_member(
            "robin@ours.example", name="Robin Coach", role="csm", password="correct horse 1", by=BY, now=now
        )
        do_assign_role("coach", robin.email, by=BY, now=now)
        falls(world, "acme", now - 30 * MINUTE)
        falls(world, "beta", now - 29 * MINUTE)
        yield world


def robin() -> Member:
    return Member.objects.get(email="robin@ours.example")


def touch(step: str = "hello", account: str = "acme") -> Touch:
    return Touch.objects.get(step=step, account__key=account)


def task(account: str = "acme") -> Task:
    return Task.objects.get(account__key=account)


def enrolment(account: str = "acme") -> EnrolmentRecord:
    return EnrolmentRecord.objects.get(account__key=account)


def in_every_state(now: datetime) -> None:
    """Further messages of Acme, one in each state that needs a mail server to come to."""
    first = touch()
    states = {
        "sent": {
            "settled_at": now - timedelta(minutes=5),
            "address": "ada@acme.example",
            "message_id": "9.9.touch@ours",
        },
        "failed": {"settled_at": now - timedelta(minutes=4), "reason": "No such mailbox."},
        "unknown": {"settled_at": now - timedelta(minutes=3), "reason": "The server gave no answer."},
        "todo": {"held_because": "It was night at the contact's.", "due_at": now + timedelta(hours=9)},
    }
    for number, (state, more) in enumerate(states.items()):
        values = {
            field.attname: getattr(first, field.attname)
            for field in Touch._meta.concrete_fields
            if not field.primary_key
        }
        values |= {"step": f"more{number}", "state": state, "subject": f"In the state {state}", **more}
        Touch.objects.create(**values)
