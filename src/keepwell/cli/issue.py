"""What a check of a package's files found, as the shell shows it."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from keepwell.health.checks.check import Issue


def show_issues(issues: "Sequence[Issue]", folder: str, *, first: str = "", last: str = "", as_json: bool) -> None:
    """Print them and a line that counts them, between `first` and `last`, and exit 1 where one is an error."""
    errors = sum(issue.level == "error" for issue in issues)
    if as_json:
        told = [{"file": i.file, "line": i.line, "level": i.level, "sentence": i.sentence} for i in issues]
        typer.echo(json.dumps(told, indent=2))
    else:
        for issue in issues:
            typer.echo(str(issue))
        counted = f"{count(errors, 'error')}, {count(len(issues) - errors, 'warning')}"
        typer.echo(f"{folder}: {first}{counted}{last}.")
    if errors:
        raise typer.Exit(1)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
