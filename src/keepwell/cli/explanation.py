"""An explained score as a table in the terminal."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table


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


def _print_change(console: Console, change: Mapping[str, Any]) -> None:
    console.print(
        f"Since {change['since']}: {_signed(change['points'])} points, from {_rounded(change['score_before'])}."
    )
    table = Table("Measure", "Cause", "Points")
    table.columns[2].justify = "right"
    for line in change["causes"]:
        table.add_row(line["metric"], line["cause"], _signed(line["points"]))
    console.print(table)


def _rounded(points: str) -> str:
    return f"{Decimal(points):.1f}"


def _signed(points: str) -> str:
    return f"{Decimal(points):+.1f}"
