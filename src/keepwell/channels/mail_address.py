"""What counts as a mail address."""

import re
from typing import Final

# One address and nothing around it: the parser of the standard library also takes lists and comments.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LONGEST: Final = 254


def is_address(text: str) -> bool:
    """Whether a text is exactly one mail address."""
    return len(text) <= _LONGEST and _ADDRESS.fullmatch(text) is not None
