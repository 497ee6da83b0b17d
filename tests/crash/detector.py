"""What a test does to a home in a process that may be killed: `prepare` it, or have a `turn` as of a moment.

Prints the alerts of accounts that there are then.
"""

import json
import sys
from datetime import datetime

from keepwell.cli.start import start_new


def main(what: str, *moments: str) -> None:
    settings = start_new()
    from keepwell.jobs.touch import do_end_claims
    from tests.flows.signal_world import HOUR, MINUTE, NOW, Told, gym, mood, told_ever

    with gym(settings.home) as world:
        # As a worker does when it starts.
        do_end_claims()
        if what == "prepare":
            world.live(NOW - HOUR, mood("acme", NOW - 2 * HOUR, 70))
            world.send(NOW, Told("acme", "payment_failed", NOW - MINUTE), mood("acme", NOW - MINUTE, 10))
        world.turn(*map(datetime.fromisoformat, moments))
        print(json.dumps(told_ever()))


if __name__ == "__main__":
    main(*sys.argv[1:])
