"""Fills the home of KEEPWELL_HOME with the company of the playbook tests: python -m tests.web.plant_playbooks."""

import os
from datetime import timedelta
from pathlib import Path

import django

from keepwell.base.clock import SystemClock


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
    django.setup()
    from django.core.management import call_command

    from keepwell.store.models import Member, Task
    from tests.web.playbook_company import in_every_state, playbook_company, robin
    from tests.web.world import EMAIL, PASSWORD

    call_command("migrate", verbosity=0, interactive=False)
    now = SystemClock().now()
    with playbook_company(Path(os.environ["KEEPWELL_HOME"]), now):
        in_every_state(now)
        Task.objects.filter(account__key="beta").update(due_at=now - timedelta(hours=3))
    # Robin signs in as everybody does in these tests, and may also set sending.
    member = robin()
    member.email, member.role = EMAIL, "owner"
    member.set_password(PASSWORD)
    member.save()
    Member.objects.exclude(email=EMAIL).update(is_active=False)


if __name__ == "__main__":
    main()
