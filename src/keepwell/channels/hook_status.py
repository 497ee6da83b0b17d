"""What the HTTP status of a hook says of a message that was posted to it."""

from typing import Final

from keepwell.facts.message import Receipt

_AGAIN_LATER: Final = (408, 425, 429, 500, 503)
# The answer came from something in between, which may have passed the message on.
_IN_BETWEEN: Final = (502, 504)


def told_by_status(status: int) -> Receipt:
    """A redirect counts as a failure: where it leads was not chosen by anybody of ours."""
    if 200 <= status < 300:
        return Receipt("sent")
    detail = f"The hook answered {status}."
    if status in _IN_BETWEEN:
        return Receipt("unknown", detail)
    return Receipt("refused" if status in _AGAIN_LATER else "failed", detail)
