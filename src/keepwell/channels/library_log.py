"""Keeps targets out of logs: the libraries that take messages out write whole addresses to theirs."""

import logging
from functools import cache


@cache
def keep_to_themselves() -> None:
    """From now on what these libraries note reaches nobody but themselves.

    Apprise still notes everything, because only its own notes tell a hook that was never reached from one that may
    have taken a message.
    """
    for name in ("apprise", "urllib3"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
    logging.getLogger("apprise").setLevel(logging.DEBUG)
