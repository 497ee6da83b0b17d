"""Where the benches write what they measured, and how a section begins."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
FIGURES: Final = HERE.parent / "docs" / "figures.md"
HEADING: Final = "# Speed figures\n\nWritten by `make bench` and `make torture`; newest last.\n"


def heading(what: str, on: str) -> str:
    """The first lines of a section: date, commit, machine and how busy it was."""
    told = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=False
    )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"## {on}, {what}, commit {told.stdout.strip() or 'unknown'}\n\n"
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, Python {platform.python_version()}; "
        f"load at the end {load}."
    )


def table(rows: list[list[str]]) -> str:
    """Rows of a Markdown table, the first of them the heading."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lined = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(f"| {line} |" for line in [lined[0], " | ".join("-" * width for width in widths), *lined[1:]])


def write_section(section: str) -> None:
    before = FIGURES.read_text(encoding="utf-8") if FIGURES.exists() else HEADING
    FIGURES.write_text(f"{before.rstrip()}\n\n{section}", encoding="utf-8")
