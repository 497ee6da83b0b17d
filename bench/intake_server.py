"""The server that bench/intake.py loads: `bare` only answers, `reads` reads and checks, `keeps` is whole."""

import socket
import sys
from typing import Any

import uvicorn


async def bare(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"16")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"success":true}'})


def application(what: str) -> Any:
    if what == "bare":
        return bare
    from keepwell.jobs import inbox
    from keepwell.web.asgi import application as whole

    if what == "reads":

        async def nothing(self: inbox.Inbox, arrival: inbox.Arrival) -> None:
            return None

        inbox.Inbox.take = nothing  # type: ignore[method-assign]
    return whole


def main() -> None:
    # Named as TCP, so that the loop turns off the delay of small packets.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    found = application(sys.argv[1])
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(found, log_level="error", access_log=False, lifespan="auto")
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
