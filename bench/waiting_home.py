"""Makes the home that bench/waiting.py drives: accounts that are critical, each in several playbooks that wait.

waiting_home.py prepare ACCOUNTS PLAYBOOKS
waiting_home.py due STEPS SECONDS    so many steps fall due within so many seconds, from 10 seconds on
waiting_home.py tell                 how late each of them was begun, and each message handed over, in seconds
"""

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from keepwell.base.clock import SystemClock
from keepwell.cli.start import start, start_new

if TYPE_CHECKING:
    from keepwell.store.models import ModelVersion

BY: Final = "cli:bench"
WAITED: Final = timedelta(hours=48)


def prepare(accounts: int, playbooks: int) -> None:
    settings = start_new()
    from keepwell.base.home import Home
    from keepwell.jobs.cycle import Cycle
    from keepwell.jobs.ingest import ImportPlan, do_import_events
    from keepwell.jobs.package import do_publish_package
    from keepwell.jobs.project import do_project_accounts
    from keepwell.lake.duckdb_engine import embedded_engine
    from tests.flows.playbook_world import RESCUE, SETTINGS, TEMPLATES
    from tests.flows.signal_world import Told, arrivals, mood, write_package

    home, now = Home(settings.home), SystemClock().now()
    write_package(home, {})
    files = {
        f"playbooks/p{number}.yaml": RESCUE.replace("priority: 90", f"priority: {50 + number}")
        for number in range(playbooks)
    }
    files |= {f"templates/{name}.md": text for name, text in TEMPLATES.items()}
    files |= {"templates/settings.yaml": SETTINGS, "voice.yaml": "quiet_hours: ''\nmost_messages: 100\ncool_down: 0d\n"}
    for name, text in files.items():
        path = home.packages / "gym" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (version,), _ = do_publish_package(home, "gym", note="", by=BY, now=now)
    keys = [f"account-{number}" for number in range(accounts)]
    told = [mood(key, now - timedelta(days=1), 10) for key in keys]
    told += [
        Told(key, "contact_updated", now - timedelta(days=1), {"name": "Ada Example", "email": f"ada@{key}.example"})
        for key in keys
    ]
    do_import_events(home, arrivals(told).to_batches(50_000), ImportPlan("old", "history"), by=BY, now=now)
    do_project_accounts(home, None, now=now)
    cycle = Cycle(home, embedded_engine(), settings.calendar)
    while not cycle.do_run_cycle(now=SystemClock().now()).was_idle:
        pass
    enrol(playbooks, version)


def enrol(playbooks: int, version: "ModelVersion") -> None:
    """Every account is in every playbook, and has been written to and called."""
    from keepwell.base.business_time import Calendar
    from keepwell.jobs.enrolment_state import kept_calendar
    from keepwell.store.models import Account, Contact, EnrolmentRecord, Sending, StepRecord

    contacts = dict(Contact.objects.values_list("account_id", "pk"))
    calendar, begun = kept_calendar(Calendar()), SystemClock().now()
    records = [
        EnrolmentRecord(
            account_id=account,
            contact_id=contacts[account],
            package="gym",
            playbook=f"p{number}",
            title="Rescue",
            version=version,
            started_at=begun,
            started_by=BY,
            contact_calendar=calendar,
            team_calendar=calendar,
            due_at=begun + WAITED,
        )
        for account in Account.objects.order_by("pk").values_list("pk", flat=True)
        for number in range(playbooks)
    ]
    EnrolmentRecord.objects.bulk_create(records, batch_size=2000)
    StepRecord.objects.bulk_create(
        [StepRecord(enrolment=one, step=step, state="done", at=begun) for one in records for step in ("hello", "call")],
        batch_size=5000,
    )
    Sending.objects.update_or_create(pk=1, defaults={"is_on": True})


def due(steps: int, seconds: float) -> None:
    start()
    from keepwell.store.models import EnrolmentRecord

    first = SystemClock().now() + timedelta(seconds=10)
    records = list(EnrolmentRecord.objects.filter(playbook="p0").order_by("pk")[:steps])
    for number, record in enumerate(records):
        record.due_at = first + timedelta(seconds=seconds * number / steps)
        record.started_at = record.due_at - WAITED
    EnrolmentRecord.objects.bulk_update(records, ["due_at", "started_at"], batch_size=500)


def tell() -> None:
    start()
    from keepwell.store.models import EnrolmentRecord, StepRecord, Touch

    due_at = {
        pk: begun + WAITED
        for pk, begun in EnrolmentRecord.objects.filter(playbook="p0").values_list("pk", "started_at")
        if begun + WAITED < SystemClock().now()
    }
    begun = StepRecord.objects.filter(step="again", enrolment__in=EnrolmentRecord.objects.filter(playbook="p0"))
    handed = Touch.objects.filter(state="sent").values_list("enrolment_id", "settled_at")
    print(
        json.dumps(
            {
                "due": len(due_at),
                "begun": [(at - due_at[pk]).total_seconds() for pk, at in begun.values_list("enrolment_id", "at")],
                "handed": [(at - due_at[pk]).total_seconds() for pk, at in handed if at is not None],
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(int(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1] == "due":
        due(int(sys.argv[2]), float(sys.argv[3]))
    else:
        tell()
