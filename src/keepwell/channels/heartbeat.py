"""A sign of life to an outside monitor, such as healthchecks.io: an empty post to its address."""

from keepwell.channels.hook_link import posted, read_address
from keepwell.facts.message import Receipt


def send_heartbeat(address: str) -> Receipt:
    """Never raises for what the network does. The address is the operator's own, so it may be a private one."""
    url = read_address(address)
    if url is None:
        return Receipt("failed", "The address of the monitor is none; expected http or https.")
    return posted(url, {}, b"")
