"""keepwell demo: a made-up company to look at."""

import os
import sys
from typing import Annotated, Literal

import typer
from rich.console import Console

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.cli.init import operator
from keepwell.cli.start import start_new


def demo(
    package: Annotated[Literal["saas", "crypto"], typer.Option(help="Which company.")] = "saas",
    accounts: Annotated[int, typer.Option(min=3, max=100_000)] = 200,
    days: Annotated[int, typer.Option(min=60, max=2000)] = 400,
    seed: Annotated[int, typer.Option(help="The same seed makes the same company.")] = 1,
    serving: Annotated[bool, typer.Option("--serve", help="Serve the pages when done.")] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="With --serve.")] = None,
) -> None:
    """Fill the home with a made-up company. It is for looking, and says nothing about accuracy on real accounts."""
    settings = start_new()
    from keepwell.jobs.demo import DemoPlan, do_fill_demo
    from keepwell.jobs.home import demo_email
    from keepwell.lake.duckdb_engine import embedded_engine
    from keepwell.store.models import Account

    console = Console(stderr=True)
    if demo_email(settings.home) is not None and Account.objects.exists():
        typer.echo(f"The demo company is there already, in {settings.home}. Delete that folder for a new one.")
    else:
        now = SystemClock().now()
        until = now.replace(hour=0, minute=0, second=0, microsecond=0)
        plan = DemoPlan(package, accounts, days, seed, until)
        with console.status("Starting") as status:
            report, runs = do_fill_demo(
                Home(settings.home), embedded_engine(), plan, by=operator(), now=now, told=status.update
            )
        last = runs[-1]
        typer.echo(f"{report.taken:,} events of {accounts} accounts; {last.known} scored, {last.ended} have left.")
    if serving:
        # A new process, whose settings know from the start that this is a demo.
        rest = [] if port is None else ["--port", str(port)]
        os.environ["KEEPWELL_DEMO"] = "yes"
        os.execv(sys.executable, [sys.executable, "-m", "keepwell.cli.main", "serve", *rest])  # noqa: S606
