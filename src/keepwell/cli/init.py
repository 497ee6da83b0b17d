"""keepwell init: the home folder, its database and the first member."""

import os
from typing import Annotated

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.cli.start import start_new


def init(
    email: Annotated[str, typer.Option(prompt="E-mail address of the first member", help="Of the first member.")],
    name: Annotated[str, typer.Option(help="Of the first member.")] = "",
) -> None:
    """Make the home folder (KEEPWELL_HOME) and its first member, whose password is shown once."""
    settings = start_new()
    # Models can be imported only after Django is set up.
    from keepwell.jobs.member import do_add_member, random_password
    from keepwell.store.models import Member

    if Member.objects.exists():
        raise UserError(
            f"{settings.home} is set up already. Add people with 'keepwell member add EMAIL'; "
            "a forgotten password is replaced by 'keepwell member password EMAIL'."
        )
    password = random_password()
    member = do_add_member(email, name=name, role="owner", password=password, by=operator(), now=SystemClock().now())
    typer.echo(f"Home:      {settings.home}")
    typer.echo(f"Member:    {member.email}")
    typer.echo(f"Password:  {password}")
    typer.echo("The password is not shown again; sign in and change it. Start the pages with: keepwell serve")


def operator() -> str:
    """Who acts from a shell, for the audit chain."""
    return f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.getuid()}"
