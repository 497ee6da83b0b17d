"""An explained score as a table in the terminal."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from keepwell.base.figure import money


def print_explanation(told: Mapping[str, Any]) -> None:
    """Print one entry of the JSON shape of `keepwell explain`."""
    console = Console()
    score = _rounded(told["score"]) if told["score"] is not None else "unknown"
    trend = f", {told['trend']} ({_signed(told['trend_change'])})" if told["trend"] else ""
    console.print(f"[bold]{told['model']}[/bold] as of {told['as_of']}: {score} ({told['band']}){trend}")
    console.print(f"Data for {told['coverage']:.0%} of the weight.")
    table = Table("Measure", "Value", "Points", "of")
    for column in table.columns[1:]:
        column.justify = "right"
    for line in told["measures"]:
        value = "missing" if line["value"] is None else f"{line['value']:.4g}"
        table.add_row(line["metric"], value, _rounded(line["points"]), _rounded(line["weight"]))
    console.print(table)
    if "change" in told:
        _print_change(console, told["change"])
    for alert in told["open_alerts"]:
        console.print(f"Alert {alert['id']}, {alert['severity']}: {alert['title']}. {alert['sentence']}", markup=False)
    for sign in told["expansion_signals"]:
        console.print(f"May grow: {sign['title']}, {_worth(sign)}. {sign['sentence']}", markup=False)


def _print_change(console: Console, change: Mapping[str, Any]) -> None:
    console.print(
        f"Since {change['since']}: {_signed(change['points'])} points, from {_rounded(change['score_before'])}."
    )
    table = Table("Measure", "Cause", "Points")
    table.columns[2].justify = "right"
    for line in change["causes"]:
        table.add_row(line["metric"], line["cause"], _signed(line["points"]))
    console.print(table)


def _worth(sign: Mapping[str, Any]) -> str:
    yearly = None if sign["yearly"] is None else Decimal(sign["yearly"])
    confidence = sign["confidence"]
    told = "assumed" if confidence["is_assumed"] else f"measured, of {confidence['closed']}"
    worth = f"{money(yearly, sign['currency'])} a year" if yearly is not None else "value unknown"
    return f"{worth}, confidence {confidence['share']:.0%} ({told})"


def _rounded(points: str) -> str:
    return f"{Decimal(points):.1f}"


def _signed(points: str) -> str:
    return f"{Decimal(points):+.1f}"
