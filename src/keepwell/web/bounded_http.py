"""Requests whose first lines never end are cut off; the server itself would collect them without bound.

Answers that never end by themselves are told when the server ends, which would otherwise wait for them.
"""

from collections.abc import Callable
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_BYTES: Final = 64 * 1024
ENDS: Final = "keepwell.ends"
"""In the scope of a request: what to call when the server ends."""


class BoundedHttp(HttpToolsProtocol):
    """Answers 400 and hangs up once the address and headers of a request exceed HEAD_BYTES, give or take one read."""

    _is_in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_in_head:
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self.send_400_response(f"The address and headers exceed {HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def shutdown(self) -> None:
        super().shutdown()
        # Before its first request a link has no cycle.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            return
        ends = cast("dict[str, object]", cycle.scope).get(ENDS)
        if ends is not None:
            cast("Callable[[], None]", ends)()
