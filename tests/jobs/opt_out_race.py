"""A sender asks for opt-outs, somebody opts out, and only then the sender claims; prints what came of it, as JSON.

On the database of DATABASE_URL: python -m tests.jobs.opt_out_race ROUNDS
"""

import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable

import django

# How long a sender that has asked waits for a confirmation that must not come before it is through.
GIVES_WAY_S = 0.3
PATIENCE_S = 60


class Round:
    """One contact at two accounts: the message goes to one, the opt-out comes from the other."""

    def __init__(self, number: int) -> None:
        from tests.jobs.touch_world import contact, touch

        self.receiver = contact(f"first-{number}", f"ada{number}@acme.example")
        self.asker = contact(f"second-{number}", f"Ada{number}@Acme.example")
        self.touch = touch(self.receiver)
        self.has_asked, self.is_confirmed = threading.Event(), threading.Event()
        self.counts: Counter[str] = Counter()

    def send(self) -> None:
        from keepwell.store.models import Touch
        from tests.jobs.touch_world import claim

        claimed = claim([self.touch], after_asking=self._give_way)
        # Here the message is handed over.
        self.counts["handed over"] += len(claimed)
        self.counts["after the confirmation"] += len(claimed) if self.is_confirmed.is_set() else 0
        Touch.objects.filter(pk__in=claimed).update(state="sent")

    def opt_out(self) -> None:
        from keepwell.jobs.opt_out import do_opt_out, wait_for_flights
        from tests.jobs.touch_world import NOW, claim, touch

        self.has_asked.wait(PATIENCE_S)
        held = do_opt_out(self.asker, way="link", by="contact", now=NOW)
        self.counts["confirmed"] += wait_for_flights(held, PATIENCE_S)
        self.is_confirmed.set()
        self.counts["refused"] += not claim([touch(self.receiver)])

    def _give_way(self) -> None:
        self.has_asked.set()
        self.is_confirmed.wait(GIVES_WAY_S)

    def run(self) -> Counter[str]:
        threads = [threading.Thread(target=closing(work)) for work in (self.send, self.opt_out)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.counts


def closing(work: Callable[[], None]) -> Callable[[], None]:
    """Without the connection that the thread opened."""
    from django.db import connection

    def whole() -> None:
        try:
            work()
        finally:
            connection.close()

    return whole


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
    django.setup()
    counts = sum((Round(number).run() for number in range(int(sys.argv[1]))), Counter[str]())
    sys.stdout.write(json.dumps(counts) + "\n")


if __name__ == "__main__":
    main()
