"""Fills the home of KEEPWELL_HOME with the company of the signal tests: python -m tests.web.plant_signals."""

import os
from datetime import timedelta
from pathlib import Path

import django

from keepwell.base.clock import SystemClock


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
    django.setup()
    from django.core.management import call_command

    from keepwell.store.models import Member
    from tests.flows.signal_company import open_signals, signal_company
    from tests.web.world import EMAIL

    call_command("migrate", verbosity=0, interactive=False)
    now = SystemClock().now() - timedelta(hours=3)
    with signal_company(Path(os.environ["KEEPWELL_HOME"]), now) as company:
        open_signals(company)
    Member.objects.filter(email=EMAIL).update(role="owner")


if __name__ == "__main__":
    main()
