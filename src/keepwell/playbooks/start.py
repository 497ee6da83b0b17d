"""Which playbook a signal starts at an account, and which open enrolments end for it.

Whether a signal may start anything is asked before: one from an import, a new model or a new mapping may not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keepwell.playbooks.playbook import Playbook

ALREADY_OPEN: Final = "already_open"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An enrolment of the account; `finished_at` is None while it is open."""

    playbook: str
    started_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """The playbook that starts, "" for none, and the open ones that it ends. `refused` says why others do not start."""

    playbook: str = ""
    ends: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


def choose_start(playbooks: Mapping[str, Playbook], signal: str, earlier: Sequence[Earlier], now: datetime) -> Start:
    """The playbook of the highest priority that the signal may start; none while one that it asks for first is open."""
    asked = sorted(
        (name for name, playbook in playbooks.items() if signal in playbook.starts_on),
        key=lambda name: (-playbooks[name].priority, name),
    )
    refused: list[tuple[str, str]] = []
    for name in asked:
        because = start_refusal(playbooks, name, earlier, now)
        if not because:
            open_ones = dict.fromkeys(one.playbook for one in earlier if one.finished_at is None)
            ends = tuple(one for one in open_ones if one in playbooks[name].supersedes)
            return Start(name, ends, tuple(refused))
        refused.append((name, because))
        if because == ALREADY_OPEN:
            break
    return Start(refused=tuple(refused))


def start_refusal(playbooks: Mapping[str, Playbook], name: str, earlier: Sequence[Earlier], now: datetime) -> str:
    """Why a playbook does not start at an account, "" if it may; for a step that enrols elsewhere, too."""
    for one in earlier:
        if one.finished_at is None and one.playbook == name:
            return ALREADY_OPEN
        if one.finished_at is None and one.playbook in playbooks and name in playbooks[one.playbook].supersedes:
            return f"superseded_by_{one.playbook}"
    last = max((one.started_at for one in earlier if one.playbook == name), default=None)
    return "too_soon" if last is not None and now - last < playbooks[name].again_after else ""
