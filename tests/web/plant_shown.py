"""Fills the home of KEEPWELL_HOME with messages that the product shows: python -m tests.web.plant_shown.

Of four messages to one contact two are shown; the others are for the test to let go. Prints two keys and the account.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import django

from keepwell.base.clock import SystemClock


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
    django.setup()
    from keepwell.jobs.key import do_create_key
    from keepwell.store.models import Touch
    from tests.jobs.outbox_world import due, enrolments, published

    now = SystemClock().now()
    records = enrolments(published(Path(os.environ["KEEPWELL_HOME"])), 1)
    for number in range(1, 5):
        due(records, f"n{number}", now, channel="in_app", state="todo", subject=f"Message {number}")
    for number in (1, 2):
        settled_at = now - timedelta(minutes=10 - number)
        Touch.objects.filter(step=f"n{number}").update(state="sent", settled_at=settled_at)
    _, key = do_create_key("red", scopes=["touches:read"], by="cli:ops", now=now)
    _, other = do_create_key("red", scopes=["alerts:read"], by="cli:ops", now=now)
    sys.stdout.write(json.dumps({"key": key, "other": other, "account": records[0].account.key}))


if __name__ == "__main__":
    main()
