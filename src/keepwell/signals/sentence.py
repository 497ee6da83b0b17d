"""The numbers behind a signal as people read them."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from keepwell.base.figure import measured, passed
from keepwell.signals.condition import Line

OF_A_METRIC: Final = "metric:"
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def unit_of(line: Line, units: Mapping[str, str]) -> str:
    """The unit itself where the line names that of a metric."""
    if not line.unit.startswith(OF_A_METRIC):
        return line.unit
    return units.get(line.unit.removeprefix(OF_A_METRIC), "number")


def value_words(line: Line, units: Mapping[str, str]) -> str:
    """The value with its unit; `units` are those of the package's metrics."""
    if line.value is None:
        return "no data"
    if isinstance(line.value, str):
        return line.value.replace("_", " ")
    if line.unit == "days":
        return passed(timedelta(days=line.value))
    return measured(line.value, unit_of(line, units))


def limit_words(line: Line, units: Mapping[str, str]) -> str:
    """What the rule asked for, shares in percent as the value is; "" where it asked for nothing of this number."""
    unit = unit_of(line, units)
    if unit in {"share", "percent_change"}:
        return _NUMBER.sub(lambda found: measured(float(found.group()), unit), line.limit)
    return line.limit.replace("_", " ")


def evidence_sentence(lines: Iterable[Line], units: Mapping[str, str]) -> str:
    """All numbers with their limits, such as 'Open tickets: 7 (at least 5)'."""
    return "; ".join(_told(line, units) for line in lines)


def _told(line: Line, units: Mapping[str, str]) -> str:
    limit = limit_words(line, units)
    return f"{line.label}: {value_words(line, units)}" + (f" ({limit})" if limit else "")
