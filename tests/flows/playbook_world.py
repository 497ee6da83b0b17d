"""The gym with playbooks and templates: what a member or a contact would see of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from keepwell.jobs.member import do_add_member
from keepwell.jobs.route import do_assign_role
from keepwell.store.models import Account, Member, Task, Touch
from tests.flows.signal_world import BY, HOUR, MINUTE, NOW, Gym, Told, gym, mood

SETTINGS: Final = """\
product: {name: Gym}
roles: {coach: {name: Robin Coach, title: Head Coach}}
links: {plan: {url: 'https://gym.example/plan', about: The plan.}}
usage:
  mood: {type: number, about: The mood., sample: 20, metric: mood}
  wish: {type: text, about: A wish., sample: Rest}
contact_roles: [admin]
"""
TEMPLATES: Final = {
    "hello": "---\ntitle: Hello\nsubject: Shall we talk, {{ contact.first_name }}?\npurpose: retention\n---\n"
    "Hello {{ contact.first_name }},\n\nyour mood at {{ account.name }} is {{ usage.mood }}. "
    "[Your plan](links.plan).\n",
    "again": "---\ntitle: Again\nsubject: Still there, {{ contact.first_name }}?\npurpose: retention\n---\n"
    "Hello {{ contact.first_name }},\n\nnobody answered. [Your plan](links.plan).\n",
    "signed": "---\ntitle: Signed\nsubject: A word from me\npurpose: retention\nfrom_role: coach\n---\n"
    "Hello {{ contact.first_name }},\n\nshall we talk? [Your plan](links.plan).\n",
    "wish": "---\ntitle: Wish\nsubject: Your wish\npurpose: retention\n---\nYou wished for {{ usage.wish }}.\n",
    "more": "---\ntitle: More\nsubject: More seats\npurpose: expansion\n---\nMore seats? [Your plan](links.plan).\n",
}
RESCUE: Final = """\
title: Rescue
starts_on: critical
priority: 90
goal: {score: {at_least: 60}}
while_open: true
approval: none
late: skip
grace: 6h
again_after: 30d
roles: [coach]
steps:
  - {id: hello, kind: message, title: Hello, template: hello, after: 0m}
  - {id: call, kind: task, title: Call them, role: coach, after: 0m}
  - {id: again, kind: message, title: Again, template: again, after: 48h, only_if: {no_response: true}}
"""
# Noon in Berlin.
START: Final = NOW


@contextmanager
def playing(
    folder: Path, playbooks: Mapping[str, str] | None = None, *, now: datetime = NOW, **templates: str
) -> Iterator[Gym]:
    """A home whose package has these playbooks, instead of `RESCUE` alone, and two accounts that are well."""
    with gym(folder) as found:
        write_playbooks(found, playbooks or {"rescue": RESCUE}, {**TEMPLATES, **templates})
        found.publish()
        for account, name in (("acme", "Ada Acme"), ("beta", "Ben Beta")):
            email = f"{name.split()[0].lower()}@{account}.example"
            found.send(now - 3 * HOUR, known(account, name, email, at=now - 3 * HOUR))
        found.live(now - 2 * HOUR, mood("acme", now - 2 * HOUR, 80), mood("beta", now - 2 * HOUR, 80))
        yield found


def write_playbooks(world: Gym, playbooks: Mapping[str, str], templates: Mapping[str, str]) -> None:
    folder = world.home.packages / "gym"
    files = {f"playbooks/{name}.yaml": text for name, text in playbooks.items()}
    files |= {f"templates/{name}.md": text for name, text in templates.items()} | {"templates/settings.yaml": SETTINGS}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def known(account: str, name: str, email: str, zone: str = "Europe/Berlin", *, at: datetime = NOW - 3 * HOUR) -> Told:
    props: dict[str, object] = {"name": name, "email": email, "role": "admin", "time_zone": zone}
    return Told(account, "contact_updated", at, props)


def falls(world: Gym, account: str, now: datetime, to: float = 10) -> datetime:
    """The account falls to critical; gives the moment of the look."""
    return world.live(now, mood(account, now - MINUTE, to))


def touches(account: str = "acme") -> list[tuple[str, str]]:
    rows = Touch.objects.filter(account__key=account).order_by("pk")
    return list(rows.values_list("step", "state"))


def tasks(account: str = "acme") -> list[str]:
    return list(Task.objects.filter(account__key=account).order_by("pk").values_list("step", flat=True))


def member(name: str, role: str, *holds: str) -> Member:
    found = do_add_member(
        f"{name}@ours.example", name=name.title(), role=role, password="correct horse 1", by=BY, now=NOW
    )
    for one in holds:
        do_assign_role(one, found.email, by=BY, now=NOW)
    return found


def account(key: str) -> Account:
    return Account.objects.get(key=key)
