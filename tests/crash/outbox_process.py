"""What the harness of the outbox does to a home, in processes of their own that may be killed.

`prepare N` makes a home with N messages that are due. Without arguments it forks, for each line of standard input, a
process that delivers them or one in which contacts say that they want no more, and answers with its pid.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from keepwell.base.clock import SystemClock
from keepwell.cli.start import start, start_new

LEASE = timedelta(seconds=2)


def prepare(messages: int) -> None:
    settings = start_new()
    from tests.jobs.outbox_world import due, enrolments, published, turned_on

    now = SystemClock().now()
    due(enrolments(published(settings.home), messages, now), at=now)
    turned_on()


def tell() -> None:
    """What became of the messages, as one JSON object."""
    start()
    from keepwell.store.models import Touch

    rows = Touch.objects.values_list("message_id", "state", "contact__email", "handed_at")
    print(json.dumps([[*row[:3], row[3] is not None] for row in rows]))


def zygote() -> None:
    start()
    import keepwell.jobs.deliver_touch
    import keepwell.jobs.opt_out  # noqa: F401

    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "reap":
            print(os.waitpid(command["pid"], 0)[1], flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            _child(command)
        print(pid, flush=True)


def _child(command: dict[str, Any]) -> None:
    """Never returns."""
    os.close(0)
    os.environ["KEEPWELL_CRASH_AT"] = command.get("crash_at", "")
    try:
        plant(command.get("fault", ""))
        if command["do"] == "deliver":
            deliver()
        else:
            refuse(command["seed"], Path(command["to"]))
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(1)


def deliver() -> None:
    """What the worker does with messages; ends when it is killed."""
    from django.conf import settings

    from keepwell.jobs.deliver_touch import Outbox

    outbox = Outbox(settings.KEEPWELL, lease=LEASE)
    while True:
        if not outbox.do_deliver_touches(now=SystemClock().now()):
            time.sleep(0.02)


def refuse(seed: int, told: Path) -> None:
    """Contacts say no, one after the other in some order; writes when each of them was told that it holds."""
    from keepwell.jobs.opt_out import do_opt_out, wait_for_flights
    from keepwell.store.models import Contact

    contacts = list(Contact.objects.order_by("pk"))
    random.Random(seed).shuffle(contacts)
    with told.open("a", encoding="utf-8") as lines:
        for contact in contacts[: len(contacts) // 2]:
            do_opt_out(contact, way="page", by="contact", now=SystemClock().now())
            if wait_for_flights([contact.pk], 30):
                print(json.dumps([contact.email, time.monotonic()]), file=lines, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def plant(fault: str) -> None:
    """A wrong design, so that the harness can be seen to find it."""
    from keepwell.jobs import arbitration, deliver_touch
    from keepwell.store.models import Touch

    if fault == "sent before marked":

        def unmarked(touches: Sequence[Touch], now: datetime) -> list[Touch]:
            return list(touches)

        deliver_touch._still_leaving = unmarked
    elif fault == "unknown sent again":

        def hopeful(now: datetime) -> Counter[str]:
            overdue = Touch.objects.filter(state="claimed", lease_until__lte=deliver_touch.Now())
            overdue.update(state="todo", claim="", lease_until=None)
            return Counter()

        deliver_touch._give_up_claims = hopeful
    elif fault == "opt-out read when scheduled":
        arbitration.opted_out_contacts = lambda contacts: set()
        deliver_touch.opted_out_contacts = lambda contacts: set()
    elif fault == "no fence":
        _unfence(deliver_touch)


def _unfence(deliver_touch: Any) -> None:
    """What is claimed is marked and sent, whoever has it by now; what surely had not left waits again."""
    from keepwell.store.listed import listed
    from keepwell.store.models import Touch

    def unfenced(touches: Sequence[Touch], now: datetime) -> list[Touch]:
        Touch.objects.filter(pk__in=listed(touch.pk for touch in touches)).update(handed_at=now)
        return list(touches)

    deliver_touch._still_leaving = unfenced


if __name__ == "__main__":
    if sys.argv[1:2] == ["prepare"]:
        prepare(int(sys.argv[2]))
    elif sys.argv[1:2] == ["tell"]:
        tell()
    else:
        zygote()
