"""keepwell today and keepwell segments: what comes first, and how accounts group."""

from typing import TYPE_CHECKING

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.figure import money
from keepwell.cli.signal import JsonOption, MineOption, named_member, print_json, shell_member
from keepwell.cli.source import show_table
from keepwell.cli.start import start

if TYPE_CHECKING:
    from keepwell.jobs.today_shape import TodayShape


def today(mine: MineOption = "", as_json: JsonOption = False) -> None:
    """Show what comes first: accounts at risk, then growth, then successes, with the numbers of the order."""
    start()
    from keepwell.jobs.read_today import read_today
    from keepwell.jobs.today_shape import today_shape

    now, member = SystemClock().now(), shell_member()
    shape = today_shape(member, read_today(member, named_member(mine), now=now), now=now)
    if as_json:
        print_json(shape)
        return
    lines = [("", "account", "what", "worth", "because")]
    lines += [(str(place), *line) for place, line in enumerate(_lines(shape), start=1)]
    if len(lines) == 1:
        typer.echo("Nothing needs you: no alert is open, nothing may grow, and no milestone is new.")
    else:
        show_table(lines)
    for one in shape.blocked:
        typer.echo(f"Not to be offered now, {one.account.name or one.account.key}: {one.blocked_because}.")


def segments(as_json: JsonOption = False) -> None:
    """Show the segments of every health model, with the number of their accounts."""
    start()
    from keepwell.jobs.today_shape import segment_shapes

    rows = segment_shapes(shell_member())
    if as_json:
        print_json(rows)
        return
    lines = [("model", "segment", "title", "accounts")]
    lines += [(row.model, row.segment, row.title, f"{row.accounts:,}") for row in rows]
    show_table(lines)


def _lines(shape: "TodayShape") -> list[tuple[str, str, str, str]]:
    found = []
    for risk in shape.risks:
        account = risk.alert.account
        name = (account.name or account.key) if account else ""
        others = f" and {risk.other_alerts} more" if risk.other_alerts else ""
        parts = f"{money(risk.arr, risk.currency)} a year × {risk.probability:g} (assumed) × {risk.changeable:g}"
        why = parts if risk.saving is not None else "MRR unknown"
        found.append((name, f"{risk.alert.title}{others}", money(risk.saving, risk.currency), why))
    for one in shape.opportunities:
        told = "assumed" if one.confidence.is_assumed else f"of {one.confidence.closed}"
        why = f"{money(one.yearly, one.currency)} a year × {one.confidence.share:g} ({told})"
        title = one.signs[0].title if one.signs else ""
        found.append((one.account.name or one.account.key, title, money(one.expected, one.currency), why))
    for milestone in shape.milestones:
        why = f"unwise now: {milestone.unwise_because}" if milestone.unwise_because else milestone.action
        found.append((milestone.account.name or milestone.account.key, f"Milestone: {milestone.title}", "", why))
    return found
