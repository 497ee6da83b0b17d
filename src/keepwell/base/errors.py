"""The error tree.

KeepwellError
├── UserError          something the person in front of it can mend; shown as it is
│   ├── PackageError   problems found in a package, all at once, each with file and line
│   └── SettingError   a setting holds nonsense; names the expected values
└── BugError           an invariant of ours is broken; keeps its traceback

A sentence says what is wrong, where, what was expected and the next step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class KeepwellError(Exception):
    """Parent of every error Keepwell raises on purpose."""


class UserError(KeepwellError):
    """Somebody outside the code can mend this; the text is shown unchanged."""


class SettingError(UserError):
    """A setting holds a value that cannot be used."""


class BugError(KeepwellError):
    """An invariant does not hold; nothing the reader did caused it."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a text file, at a 1-based line."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


class PackageError(UserError):
    """Everything that is wrong with a package, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(name: str, known: Sequence[str]) -> str:
    """' Did you mean 'x'?' for the closest known name, or nothing."""
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""


def or_nearest(expected: str, name: str, known: Sequence[str]) -> str:
    """What was expected, without its full stop, and the closest known name as a sentence behind it if there is one."""
    hint = nearest(name, known)
    return f"{expected}.{hint}" if hint else expected
