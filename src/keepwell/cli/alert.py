"""keepwell alerts: what went wrong at accounts, and who looks after it."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.figure import passed
from keepwell.base.periods import parse_period
from keepwell.cli.init import operator
from keepwell.cli.signal import (
    AccountOption,
    JsonOption,
    MineOption,
    NoteOption,
    named_account,
    named_member,
    print_json,
    shell_member,
)
from keepwell.cli.source import show_table
from keepwell.cli.start import start

if TYPE_CHECKING:
    from keepwell.store.models import Alert

app = typer.Typer(help="What went wrong at accounts. Without a further word, lists what is open.")

Listed = Literal["open", "new", "acknowledged", "put_aside", "closed", "all"]
Order = Literal["severity", "newest", "due"]
Severity = Literal["critical", "high", "medium", "low"]
Reason = Literal["acted", "false_alarm", "known", "duplicate"]
Ids = Annotated[list[int], typer.Argument(help="Numbers of alerts, as the list shows them.")]


@app.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    account: AccountOption = "",
    state: Annotated[Listed, typer.Option(help="open is new and acknowledged.")] = "open",
    severity: Annotated[Severity | None, typer.Option(help="Only of this severity.")] = None,
    rule: Annotated[str, typer.Option(help="Only of this rule.")] = "",
    mine: MineOption = "",
    sort: Annotated[Order, typer.Option(help="What comes first.")] = "severity",
    as_json: JsonOption = False,
) -> None:
    """List alerts, the worst first."""
    start()
    if context.invoked_subcommand is not None:
        return
    from keepwell.jobs.alert_shape import alert_shapes
    from keepwell.store.read.alert import AlertFilter, access_alerts

    now, member, asked = SystemClock().now(), shell_member(), named_account(account)
    wanted = AlertFilter(
        listed=state,
        severities=(severity,) if severity else (),
        rule=rule,
        account=asked.pk if asked else None,
        mine=named_member(mine),
    )
    shapes = alert_shapes(member, access_alerts(member, wanted, order=sort, now=now), now=now)
    if as_json:
        print_json(shapes)
        return
    if not shapes:
        typer.echo(f"No alert is listed under '{state}'" + (" with this filter." if account or severity else "."))
        return
    lines = [("id", "severity", "state", "account", "alert", "age", "first contact", "assignee")]
    for one in shapes:
        where = (one.account.name or one.account.key) if one.account else f"source {one.source}"
        due = "done" if one.first_contact_at else "overdue" if one.is_overdue else _due(one.respond_by, now)
        age, owner = passed(now - one.opened_at), one.assignee or "-"
        lines.append((str(one.id), one.severity, one.state, where, one.title, age, due, owner))
    show_table(lines)


@app.command()
def acknowledge(ids: Ids) -> None:
    """Say that somebody has seen them."""
    from keepwell.jobs.alert import do_acknowledge_alert

    now = SystemClock().now()
    for alert in _found(ids):
        do_acknowledge_alert(alert, by=operator(), now=now)
        typer.echo(f"Alert {alert.pk} is acknowledged.")


@app.command()
def assign(ids: Ids, to: Annotated[str, typer.Option(help="E-mail address of a member; empty for nobody.")]) -> None:
    """Give them to a member."""
    from keepwell.jobs.alert import do_assign_alert

    now, found, member = SystemClock().now(), _found(ids), named_member(to)
    for alert in found:
        do_assign_alert(alert, member, by=operator(), now=now)
        typer.echo(f"Alert {alert.pk} belongs to {member.email if member else 'nobody'}.")


@app.command()
def snooze(
    ids: Ids,
    until: Annotated[str, typer.Option(help="2026-03-02, 2026-03-02T12:00Z or a period such as 8h or 1d.")] = "",
    until_change: Annotated[bool, typer.Option(help="Until the band, or an event behind it, changes.")] = False,
) -> None:
    """Put them aside, until a moment or until something changes."""
    from keepwell.jobs.alert import do_snooze_alert

    if bool(until) == until_change:
        raise UserError("Say until when: --until with a moment or a period, or --until-change.")
    now, found = SystemClock().now(), _found(ids)
    moment = _moment(until, now) if until else None
    for alert in found:
        do_snooze_alert(alert, moment, by=operator(), now=now)
        typer.echo(f"Alert {alert.pk} is put aside until {f'{moment:%Y-%m-%d %H:%M} UTC' if moment else 'it changes'}.")


@app.command()
def close(
    ids: Ids,
    reason: Annotated[Reason, typer.Option(help="acted and false_alarm make up the rule's precision.")],
    note: NoteOption = "",
) -> None:
    """Close them for a reason; while what they tell of still holds, nobody is told again."""
    from keepwell.jobs.alert import do_close_alert

    now = SystemClock().now()
    for alert in _found(ids):
        do_close_alert(alert, reason, note=note, by=operator(), now=now)
        typer.echo(f"Alert {alert.pk} is closed: {reason}.")


def _found(ids: list[int]) -> list["Alert"]:
    """All of them, or a refusal before anything is done."""
    from keepwell.store.read.alert import access_alert

    found = {number: access_alert(shell_member(), number) for number in ids}
    missing = [str(number) for number, alert in found.items() if alert is None]
    if missing:
        raise UserError(f"There is no alert {', '.join(missing)}. 'keepwell alerts --state all' shows their numbers.")
    return [alert for alert in found.values() if alert is not None]


def _due(respond_by: datetime | None, now: datetime) -> str:
    return "-" if respond_by is None else f"due in {passed(respond_by - now)}"


def _moment(text: str, now: datetime) -> datetime:
    """A date is its beginning; without a zone, UTC is meant."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return now + _period(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _period(text: str) -> timedelta:
    try:
        return parse_period(text)
    except ValueError:
        raise UserError(
            f"'{text}' is neither a moment nor a period; expected 2026-03-02, 2026-03-02T12:00Z, 8h or 1d."
        ) from None
