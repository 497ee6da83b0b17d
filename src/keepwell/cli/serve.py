"""keepwell serve: the pages and the API."""

import socket
from contextlib import nullcontext
from typing import Annotated

import typer
import uvicorn

from keepwell.base.settings import Settings, refuse_unsafe
from keepwell.cli.start import start
from keepwell.cli.worker import worker_beside

APPLICATION = "keepwell.web.asgi:application"
PROTOCOL = "keepwell.web.bounded_http:BoundedHttp"


class Server(uvicorn.Server):
    """Says where it listens once it does; with port 0 nobody could know before."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            typer.echo(f"Keepwell is at {_address(self)}  (Ctrl-C ends it)")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; otherwise KEEPWELL_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Otherwise KEEPWELL_PORT.")] = None,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Also run the worker, which seals and scores what came in.")
    ] = True,
) -> None:
    """Serve the pages, the API and the intake until Ctrl-C."""
    settings = start()
    with worker_beside() if with_worker else nullcontext():
        serve_pages(settings, host, port)


def serve_pages(settings: Settings, host: str | None = None, port: int | None = None) -> None:
    """Blocks until Ctrl-C or SIGTERM; answers that are under way may finish."""
    host = settings.host if host is None else host
    refuse_unsafe(settings, host)
    config = uvicorn.Config(
        APPLICATION,
        host=host,
        port=settings.port if port is None else port,
        http=PROTOCOL,
        log_level="warning",
        # Without a named proxy these headers are anybody's claim.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=5,
    )
    Server(config).run()


def _address(server: uvicorn.Server) -> str:
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
