"""keepwell member: who may sign in."""

import json
from typing import Annotated

import typer

from keepwell.base.clock import SystemClock
from keepwell.cli.init import operator
from keepwell.cli.start import start

app = typer.Typer(help="Who may sign in.", no_args_is_help=True)


@app.command()
def add(
    email: str,
    name: Annotated[str, typer.Option(help="Shown on the pages; otherwise the part before the @.")] = "",
    role: Annotated[str, typer.Option(help="owner, admin, analyst, lead, csm or viewer.")] = "viewer",
) -> None:
    """Add a member; the password is shown once."""
    start()
    from keepwell.jobs.member import do_add_member, random_password

    password = random_password()
    member = do_add_member(email, name=name, role=role, password=password, by=operator(), now=SystemClock().now())
    typer.echo(f"Member:    {member.email} ({member.role})")
    typer.echo(f"Password:  {password}")
    typer.echo("The password is not shown again.")


@app.command("list")
def list_members(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Show everybody who may sign in or could once."""
    start()
    from keepwell.store.read.member import access_members

    rows = access_members()
    if as_json:
        typer.echo(json.dumps([row.as_json() for row in rows], indent=1))
        return
    width = max((len(row.email) for row in rows), default=0)
    for row in rows:
        typer.echo(f"{row.email:<{width}}  {row.role:<8}{'' if row.is_active else 'disabled  '}{row.name}")


@app.command()
def disable(email: str) -> None:
    """End the member's sessions and refuse their next sign-in."""
    start()
    from keepwell.jobs.member import do_disable_member

    do_disable_member(email, by=operator(), now=SystemClock().now())
    typer.echo(f"{email} cannot sign in any more.")


@app.command()
def password(email: str) -> None:
    """Replace a member's password by a random one, shown once; open sessions end."""
    start()
    from keepwell.jobs.member import do_reset_password

    typer.echo(f"Password:  {do_reset_password(email, by=operator(), now=SystemClock().now())}")
    typer.echo("The password is not shown again.")
