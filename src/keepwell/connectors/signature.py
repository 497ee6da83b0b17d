"""The checks that signed deliveries share. Whatever is wrong with a signature is an `UnsignedError`."""

import hashlib
import hmac
from typing import Final

from keepwell.connectors.connector import Delivery, UnsignedError

FIRST_SIGNATURES: Final = 5
"""How many signatures of a list are looked at; a longer list only costs time."""
TOLERANCE: Final = 5 * 60 * 1_000_000
"""How far, in microseconds, the time of signing may be from `known_at`, either way."""
_SECOND: Final = 1_000_000


def header(delivery: Delivery, name: str) -> str:
    """The header of this lower-case name, which must be there."""
    found = delivery.headers.get(name, "").strip()
    if not found:
        raise UnsignedError(f"The header {name} is missing.")
    return found


def signed_second(text: str, delivery: Delivery) -> int:
    """The time of signing in whole seconds since 1970, if it is at most five minutes away."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise UnsignedError("The time of signing is no whole number of seconds.")
    check_recent(int(text) * _SECOND, delivery)
    return int(text)


def check_recent(signed_at: int, delivery: Delivery) -> None:
    """Refuse what was signed more than five minutes away from `known_at`; both in microseconds."""
    if abs(delivery.known_at - signed_at) > TOLERANCE:
        raise UnsignedError("The delivery was signed more than five minutes before or after it came.")


def digest(secret: str, signed: bytes, algorithm: str = "sha256") -> bytes:
    """HMAC of the signed bytes; an empty secret signs nothing."""
    if not secret.strip():
        raise UnsignedError("The secret of this source is empty.")
    return hmac.new(secret.encode(errors="surrogatepass"), signed, getattr(hashlib, algorithm)).digest()


def is_equal(shown: str, expected: str) -> bool:
    """Compare in a time that does not tell how much of the signature was right."""
    return hmac.compare_digest(shown.encode(errors="surrogatepass"), expected.encode())


def check_equal(shown: str, expected: str) -> None:
    if not is_equal(shown, expected):
        raise UnsignedError("The signature does not match the body.")
