"""How a program of these tests is told what to send.

It prints `ready`, gets turns as lines of JSON on standard input, prints `done` after each, and ends with its input.
"""

import json
import sys
from collections.abc import Callable, Iterator


def turns() -> Iterator[tuple[str, str, range, Callable[[], None]]]:
    """Address, key and numbers of each turn, and what to call when everything is with the server."""
    host, key = sys.argv[1:]
    print("ready", flush=True)
    for line in sys.stdin:
        turn = json.loads(line)
        yield host, key, range(turn["first"], turn["end"]), lambda: print("done", flush=True)


def account(n: int) -> str:
    return f"account-{n % 7}"


def contact(n: int) -> str:
    return f"contact-{n % 11}"
