"""A request to the intake: its bytes within bounds, and the key it shows."""

import asyncio
import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from keepwell.facts.inbound import BATCH_BYTES, UnreadableError
from keepwell.jobs.key import keys_in

Scope = dict[str, Any]
GZIP: Final = b"\x1f\x8b"
# Each part of a body costs a look at all that follows it.
GZIP_MEMBERS: Final = 100
SECONDS_TO_SEND: Final = 30
_LONGEST_LENGTH: Final = 20
KEY_NAMES: Final = frozenset({"key", "api_key", "apikey", "writekey", "write_key", "token", "access_token", "secret"})


@dataclass(frozen=True, slots=True)
class Shown:
    """The key of a request, "" where its headers show none; `is_in_url` if the address itself carries one."""

    text: str
    is_in_url: bool


async def read_body(scope: Scope, receive: Any, most: int = BATCH_BYTES) -> bytes:
    """The whole body, unpacked when it is gzip, whatever its headers say.

    Raises UnreadableError for one that is larger than `most` bytes, too slow, cut off or damaged; no more than that
    is ever held.
    """
    length = header(scope, b"content-length").lstrip("0")
    # Only told: what comes is counted anyway. Python reads no integer of thousands of digits.
    if length.isascii() and length.isdigit() and (len(length) > _LONGEST_LENGTH or int(length) > most):
        raise too_large(most)
    try:
        async with asyncio.timeout(SECONDS_TO_SEND):
            packed = await _received(receive, most)
    except TimeoutError:
        raise UnreadableError(
            "too_slow", f"The request did not arrive within {SECONDS_TO_SEND} seconds.", 408
        ) from None
    return unpacked(packed, most)


def unpacked(packed: bytes, most: int = BATCH_BYTES) -> bytes:
    """Gzip is known by its first bytes: senders say so in headers, or not, or wrongly.

    It may be of several parts, one behind the other, which are one body.
    """
    if not packed.startswith(GZIP):
        return packed
    parts: list[bytes] = []
    size = 0
    while packed:
        if len(parts) == GZIP_MEMBERS:
            raise UnreadableError("bad_gzip", f"The body is gzip of more than {GZIP_MEMBERS} parts.")
        machine = zlib.decompressobj(wbits=31)
        try:
            parts.append(machine.decompress(packed, most + 1 - size))
        except zlib.error as error:
            raise UnreadableError("bad_gzip", f"The body begins like gzip and cannot be unpacked: {error}.") from None
        size += len(parts[-1])
        if size > most:
            raise too_large(most)
        if not machine.eof:
            raise UnreadableError("bad_gzip", "The body is gzip that was cut off. Send it again.")
        # Some programs write zeros behind it, which stand for nothing.
        packed = machine.unused_data.lstrip(b"\0")
    return b"".join(parts)


def too_large(most: int) -> UnreadableError:
    return UnreadableError("too_large", f"The request is larger than {most:,} bytes. Send fewer events at a time.", 413)


def shown_key(scope: Scope) -> Shown:
    """The key in the headers: the user of Basic, or a Bearer token; also says whether the address holds one."""
    scheme, _, rest = header(scope, b"authorization").strip().partition(" ")
    text = ""
    if scheme.lower() == "bearer":
        text = rest.strip()
    elif scheme.lower() == "basic":
        text = _name_of_basic(rest.strip())
    return Shown(text, _is_key_in(query(scope)))


def query(scope: Scope) -> str:
    """The part of the address behind the question mark, as it was sent."""
    return str(scope["query_string"].decode("latin-1"))


def header(scope: Scope, name: bytes) -> str:
    """A header's first value, "" without one."""
    for found, value in scope["headers"]:
        if found == name:
            return str(value.decode("latin-1"))
    return ""


def headers(scope: Scope) -> Mapping[str, str]:
    """All headers by lower-case name."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def public_url(scope: Scope) -> str:
    """The address as the sender wrote it, which some signatures cover."""
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    asked = query(scope)
    return f"{scope['scheme']}://{header(scope, b'host')}{path}{'?' + asked if asked else ''}"


def _is_key_in(asked: str) -> bool:
    """True for what is named like a key, and for what looks like one of ours."""
    if not asked:
        return False
    return any(name.lower() in KEY_NAMES for name, _ in parse_qsl(asked, keep_blank_values=True)) or bool(
        keys_in(asked)
    )


async def _received(receive: Any, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise UnreadableError("cut_off", "The connection ended before the request did.")
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise too_large(most)
        if part:
            parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _name_of_basic(encoded: str) -> str:
    """The user name of Basic credentials; the colon behind it may be missing."""
    try:
        return base64.b64decode(encoded, validate=True).decode("latin-1").partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def json_bytes(value: Mapping[str, object]) -> bytes:
    """An answer."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
