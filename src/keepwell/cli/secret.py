"""keepwell secret: what encrypts the secrets of sources and routes."""

import typer

from keepwell.base.clock import SystemClock
from keepwell.cli.init import operator
from keepwell.cli.start import start

app = typer.Typer(help="What encrypts the secrets of sources and routes.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """What encrypts the secrets of sources and routes."""


@app.command()
def rotate() -> None:
    """Encrypt every secret anew: with a fresh key in the home folder, or the first of KEEPWELL_ENCRYPTION_KEY."""
    settings = start()
    from keepwell.jobs.secret import do_rotate_secrets

    count = do_rotate_secrets(settings, by=operator(), now=SystemClock().now())
    typer.echo(
        f"{count} {'source has its' if count == 1 else 'sources have their'} secrets encrypted with the new key, "
        "and so are the targets of routes."
    )
    if settings.encryption_key:
        typer.echo("Only the first key of KEEPWELL_ENCRYPTION_KEY is needed from now on.")
