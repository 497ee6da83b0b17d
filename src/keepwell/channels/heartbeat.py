"""A sign of life to an outside monitor, such as healthchecks.io: one GET of its address."""

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from keepwell.channels.channel import ANSWER_S, CONNECT_S
from keepwell.channels.library_log import keep_to_themselves
from keepwell.facts.message import Receipt


def send_heartbeat(url: str) -> Receipt:
    """Never raises for what the network does. The address is the operator's own, so it may be a private one."""
    keep_to_themselves()
    try:
        with urllib3.PoolManager(retries=False, timeout=Timeout(connect=CONNECT_S, read=ANSWER_S)) as pool:
            answer = pool.request("GET", url, redirect=False, preload_content=False)
            answer.close()
    except HTTPError as error:
        return Receipt("refused", f"The monitor was not reached ({type(error).__name__}).")
    if 200 <= answer.status < 300:
        return Receipt("sent")
    return Receipt("refused", f"The monitor answered {answer.status}.")
