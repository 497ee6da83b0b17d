"""keepwell audit: is the record of acts untouched?"""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from keepwell.base.errors import UserError
from keepwell.cli.start import start

app = typer.Typer(help="The record of acts.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The record of acts."""


@app.command()
def verify(
    head: Annotated[str | None, typer.Option(help="A head noted before; shows entries cut off the end.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Check every entry against the one before it; exit 1 at the first that does not follow."""
    start()
    from keepwell.jobs.audit import verify_chain

    verdict = verify_chain(head)
    if as_json:
        typer.echo(json.dumps({**asdict(verdict), "holds": verdict.holds}, default=str))
        raise typer.Exit(0 if verdict.holds else 1)
    if verdict.broken_at is not None:
        raise UserError(
            f"Entry {verdict.broken_at} does not follow from the {verdict.entries} before it: "
            "it, or one before it, was changed, removed or put in between."
        )
    if verdict.was_cut:
        raise UserError(f"The chain holds {verdict.entries} entries and none has the head {head}: its end was cut off.")
    typer.echo(f"{verdict.entries} entries, each follows from the one before.")
    typer.echo(f"Head: {verdict.head}{f' of {verdict.head_at:%d %b %Y, %H:%M} UTC' if verdict.head_at else ''}")
