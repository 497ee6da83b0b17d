"""Messages that are due, as rows, and a mail server that takes them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.base.settings import Settings
from keepwell.jobs.enrolment_state import kept_calendar
from keepwell.jobs.package import do_publish_package
from keepwell.store.models import Account, Contact, EnrolmentRecord, ModelVersion, Sending, StepRecord, Touch
from tests.channels.peers import Mailboxes
from tests.flows.playbook_world import RESCUE, SETTINGS, TEMPLATES
from tests.flows.signal_world import write_package

# A Monday, noon in Berlin.
NOW: Final = datetime(2026, 3, 2, 11, tzinfo=UTC)
BY: Final = "ops@example.com"


def published(folder: Path, voice: str = "quiet_hours: ''\nmost_messages: 100\ncool_down: 0d\n") -> ModelVersion:
    """The gym with its playbook, whose contacts may be written to at any hour unless `voice` says otherwise."""
    home = Home(folder)
    write_package(home, {})
    files = {f"templates/{name}.md": text for name, text in TEMPLATES.items()}
    files |= {"playbooks/rescue.yaml": RESCUE, "templates/settings.yaml": SETTINGS, "voice.yaml": voice}
    for name, text in files.items():
        path = home.packages / "gym" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    new, _ = do_publish_package(home, "gym", note="", by=BY, now=NOW)
    return new[0]


def mail_settings(folder: Path, boxes: Mailboxes | None) -> Settings:
    if boxes is None:
        return Settings(home=folder)
    return Settings(
        home=folder,
        public_url="https://keepwell.example",
        mail_host="127.0.0.1",
        mail_port=boxes.port,
        mail_security="none",
        mail_sender="hello@ours.example",
    )


def turned_on() -> None:
    Sending.objects.update_or_create(pk=1, defaults={"is_on": True, "is_stopped": False})


def enrolments(version: ModelVersion, count: int, at: datetime = NOW) -> list[EnrolmentRecord]:
    """As many accounts, each with one contact and an open enrolment."""
    first = Account.objects.count()
    accounts = Account.objects.bulk_create(
        [Account(key=f"a{number}", name=f"Account {number}") for number in range(first, first + count)]
    )
    contacts = Contact.objects.bulk_create(
        [Contact(account=one, key="ada", name="Ada Example", email=f"ada@{one.key}.example") for one in accounts]
    )
    return EnrolmentRecord.objects.bulk_create(
        [
            EnrolmentRecord(
                account=contact.account,
                contact=contact,
                package="gym",
                playbook="rescue",
                title="Rescue",
                version=version,
                started_at=at,
                started_by=BY,
                contact_calendar=kept_calendar(Calendar(zone="Europe/Berlin")),
                team_calendar=kept_calendar(Calendar()),
                due_at=at + timedelta(hours=48),
            )
            for contact in contacts
        ]
    )


def due(records: Sequence[EnrolmentRecord], step: str = "hello", at: datetime = NOW, **more: object) -> list[Touch]:
    """A written message of each enrolment."""
    StepRecord.objects.bulk_create([StepRecord(enrolment=one, step=step, state="done", at=at) for one in records])
    told: dict[str, object] = {
        "channel": "mail",
        "template": step,
        "purpose": "retention",
        "priority": 90,
        "sender_name": "Gym",
        "subject": "Shall we talk?",
        "text": "Hello Ada,\n\nshall we talk?\n",
        "html": "<p>Hello Ada,</p><p>shall we talk?</p>",
        "queued_at": at,
        "due_at": at,
        "late_at": at + timedelta(hours=12),
        "late": "send",
        "state": "todo",
        **more,
    }
    return Touch.objects.bulk_create(
        [Touch(enrolment=one, account=one.account, contact=one.contact, step=step, **told) for one in records]
    )
