"""keepwell doctor: is everything as it must be?"""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.cli.source import show_table
from keepwell.cli.start import start


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Look at state, log, worker, inbox, ledger, sources and scores. Exits 1 where a promise is not kept."""
    settings = start()
    from keepwell.jobs.examine import examine

    found = list(examine(Home(settings.home), now=SystemClock().now()))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        show_table([("", "", ""), *((one.verdict, one.what, one.sentence) for one in found)])
    if any(finding.verdict == "ill" for finding in found):
        raise typer.Exit(1)
