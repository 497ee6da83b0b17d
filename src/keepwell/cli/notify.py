"""keepwell notify: how members are told of alerts, opportunities and milestones."""

import json
import sys
from typing import Annotated

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.cli.init import operator
from keepwell.cli.source import show_table
from keepwell.cli.start import start

app = typer.Typer(help="How members are told of alerts, opportunities and milestones.", no_args_is_help=True)
role_app = typer.Typer(help="Who holds which role.", no_args_is_help=True)
app.add_typer(role_app, name="role")

AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command("list")
def list_routes(as_json: AsJson = False) -> None:
    """Show every route: whom it tells, by which channel, from which severity on, and what waits on it."""
    start()
    from keepwell.store.read.notification import as_json as row_as_json
    from keepwell.store.read.notification import route_rows

    now = SystemClock().now()
    rows = route_rows()
    if as_json:
        typer.echo(json.dumps([row_as_json(row) for row in rows], indent=1))
        return
    if not rows:
        typer.echo("Nobody is told of anything yet. Add a route with: keepwell notify add EMAIL")
        return
    lines = [("no.", "tells", "by", "from", "in roles", "waiting", "last arrived", "")]
    for row in rows:
        last = f"{row.last_sent_at:%d %b %Y, %H:%M} UTC" if row.last_sent_at else "never"
        paused = row.paused_until is not None and row.paused_until > now
        rests = f"rests until {row.paused_until:%H:%M} UTC" if paused else ""
        way = f"{row.channel}: {row.shown}"
        roles = ", ".join(row.roles) or "all"
        who = f"team {row.recipient}" if row.is_team else row.recipient
        lines.append((str(row.number), who, way, row.severity, roles, f"{row.waiting:,}", last, rests))
    show_table(lines)


@app.command()
def add(
    member: Annotated[str, typer.Argument(help="E-mail address of the member; left out for a team.")] = "",
    team: Annotated[str, typer.Option(help="Name of a team or of its chat channel, instead of a member.")] = "",
    channel: Annotated[str, typer.Option(help="mail, slack, teams, webhook or apprise.")] = "mail",
    target_stdin: Annotated[
        bool, typer.Option("--target-stdin", help="Read the target from standard input: an address, a hook's URL.")
    ] = False,
    severity: Annotated[str, typer.Option("--from", help="critical, high, medium or low.")] = "low",
    role: Annotated[list[str] | None, typer.Option(help="Only what is told to this role; repeat it.")] = None,
) -> None:
    """Tell a member or a team from now on. Without a target, a member gets mail at their own address."""
    settings = start()
    from keepwell.jobs.route import completed_target, do_add_route

    target, made = completed_target(channel, _target()) if target_stdin else ("", "")
    route = do_add_route(
        settings,
        member=member,
        team=team,
        channel=channel,
        target=target,
        severity=severity,
        roles=role or (),
        by=operator(),
        now=SystemClock().now(),
    )
    typer.echo(f"Route {route.pk}: {route}")
    if made:
        typer.echo(f"Secret:    {made}  (it is not shown again)")
    typer.echo(f"Next:      keepwell notify test {route.pk}")


@app.command()
def remove(number: Annotated[int, typer.Argument(help="Of the route, from keepwell notify list.")]) -> None:
    """Tell nobody by this route any more; its target is forgotten."""
    start()
    from keepwell.jobs.route import do_remove_route

    do_remove_route(number, by=operator(), now=SystemClock().now())
    typer.echo(f"Route {number} is removed.")


@app.command()
def test(number: Annotated[int, typer.Argument(help="Of the route, from keepwell notify list.")]) -> None:
    """Send a test message by a route and say what became of it. Exits 1 unless it was taken."""
    settings = start()
    from keepwell.jobs.route import do_test_route

    receipt = do_test_route(settings, number, by=operator(), now=SystemClock().now())
    if receipt.outcome == "sent":
        typer.echo("The message was taken.")
        return
    words = {
        "refused": "The message was not taken; Keepwell would try again later.",
        "failed": "The message was not taken, and trying again is of no use.",
        "unknown": "Nobody knows whether the message was taken; look whether it arrived.",
    }
    raise UserError(f"{words[receipt.outcome]} {receipt.detail}")


@app.command()
def recent(
    as_json: AsJson = False, limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")] = 20
) -> None:
    """Show the newest notices and what became of them."""
    start()
    from keepwell.store.read.notification import as_json as row_as_json
    from keepwell.store.read.notification import notification_rows

    rows = notification_rows(limit)
    if as_json:
        typer.echo(json.dumps([row_as_json(row) for row in rows], indent=1))
        return
    if not rows:
        typer.echo("There was nothing to tell yet.")
        return
    lines = [("queued (UTC)", "tells", "by", "severity", "account", "what", "state", "")]
    for row in rows:
        stamp = f"{row.queued_at:%d %b, %H:%M}"
        told = (row.recipient, row.channel, row.severity, row.account_name, row.title, row.state, row.reason)
        lines.append((stamp, *told))
    show_table(lines)


@app.command()
def roles(as_json: AsJson = False) -> None:
    """Show who holds which role."""
    start()
    from keepwell.store.read.notification import admin_emails, role_rows

    found = {"admin": admin_emails(), **role_rows()}
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    show_table([("role", "held by"), *((role, ", ".join(emails)) for role, emails in found.items())])
    typer.echo("The role csm is held by the owner of the account in question, if it has one.")


@role_app.command()
def assign(role: Annotated[str, typer.Argument(help="Such as ceo or expert.")], email: str) -> None:
    """Tell a member from now on what is told to a role."""
    start()
    from keepwell.jobs.route import do_assign_role

    do_assign_role(role, email, by=operator(), now=SystemClock().now())
    typer.echo(f"{email} holds the role {role}.")


@role_app.command()
def unassign(role: str, email: str) -> None:
    """Take a role from a member."""
    start()
    from keepwell.jobs.route import do_unassign_role

    do_unassign_role(role, email, by=operator(), now=SystemClock().now())
    typer.echo(f"{email} does not hold the role {role} any more.")


def _target() -> str:
    """One line, so that no secret stands in the history of the shell or in the list of processes."""
    found = sys.stdin.read().strip()
    if not found or "\n" in found:
        raise UserError("Standard input must hold the target, in one line, as in: keepwell notify add … < target.txt")
    return found
