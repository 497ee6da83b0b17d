"""One look at many accounts: what holds, what that opens and closes, and when to look again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from graphlib import TopologicalSorter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from keepwell.base.instant import instant, microseconds
from keepwell.health.score import nano
from keepwell.signals.alert import AlertRule
from keepwell.signals.book import Noun, SignalBook
from keepwell.signals.episode import Episode, dismissed, next_step, step
from keepwell.signals.panel import NEVER, Panel
from keepwell.signals.policy import Policy
from keepwell.signals.truth import NO, YES, Truth

# An account, what kind of rule, and which.
Place = tuple[int, Noun, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A signal that opened or closed; `row` is that of its account in the panel."""

    row: int
    account: int
    noun: Noun
    rule: str
    transition: Literal["open", "close", "supersede"]


@dataclass(slots=True)
class Look:
    """`episodes` are those that are new or moved, None for those that are over.

    `due` says which accounts are to be looked at again when, although nothing more may happen there.
    """

    episodes: dict[Place, Episode | None] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    due: dict[int, datetime] = field(default_factory=dict)


def with_segments(book: SignalBook, panel: Panel) -> Panel:
    """The panel that also knows who is in which segment."""
    found: dict[str, Truth] = {}
    uses = {
        name: [one for condition in segment.when.walk() for one in condition.segment_ids()]
        for name, segment in book.segments.items()
    }
    for name in TopologicalSorter(uses).static_order():
        if name in book.segments:
            found[name] = book.segments[name].when.truth(replace(panel, segments=found))
    return replace(panel, segments=found)


def look(book: SignalBook, panel: Panel, before: Mapping[Place, Episode], is_quiet: NDArray[np.bool_]) -> Look:
    """What the rules make of a panel that knows its segments.

    `before` holds every episode of these accounts that is not over; `is_quiet` marks rows at which nothing may open.
    """
    found = Look()
    soonest = np.full(len(panel), NEVER)
    kept: dict[tuple[Noun, str], list[int]] = {}
    rows = {account: row for row, account in enumerate(panel.accounts.tolist())}
    for place in before:
        if place[0] in rows:
            kept.setdefault(place[1:], []).append(rows[place[0]])
    for noun, name, rule in book.rules():
        truth, policy = rule.when.truth(panel), book.policy(noun, rule)
        soonest = np.minimum(soonest, rule.when.next_change(panel))
        is_ended = np.zeros(len(panel), dtype=np.bool_)
        if isinstance(rule, AlertRule) and rule.until is not None:
            is_ended = rule.until.truth(panel) == YES
            soonest = np.minimum(soonest, rule.until.next_change(panel))
        at_once = policy.model_copy(update={"clear": timedelta(0)})
        is_grave = _grave(panel, policy)
        for row in sorted({*np.flatnonzero(truth == YES).tolist(), *kept.get((noun, name), ())}):
            place = (int(panel.accounts[row]), noun, name)
            after = step(
                before.get(place),
                NO if is_ended[row] else int(truth[row]),
                at_once if is_ended[row] else policy,
                panel.as_of,
                is_grave=bool(is_grave[row]),
                is_quiet=bool(is_quiet[row]),
            )
            if after.episode != before.get(place):
                found.episodes[place] = after.episode
            if after.transition is not None:
                found.changes.append(Change(row, place[0], noun, name, after.transition))
    _supersede(book, before, found, panel, rows)
    _note_due(book, before, found, panel, soonest)
    return found


def _grave(panel: Panel, policy: Policy) -> NDArray[np.bool_]:
    if policy.fast is None or policy.fast.days not in panel.peaks:
        return np.zeros(len(panel), dtype=np.bool_)
    fall = panel.peaks[policy.fast.days] - panel.nano_points
    return panel.has_score & (np.nan_to_num(fall) >= nano(policy.fast.fall))


def _supersede(
    book: SignalBook, before: Mapping[Place, Episode], found: Look, panel: Panel, rows: Mapping[int, int]
) -> None:
    """An alert that opens closes the milder ones; while it is open, they do not open."""
    for name, alert in book.alerts.items():
        for milder in alert.supersedes:
            places = {place for place in (*before, *found.episodes) if place[1] == "alert" and place[2] == name}
            for place in places:
                _close_milder(book.alerts[milder], (place[0], "alert", milder), place, before, found, book, panel, rows)


def _close_milder(
    rule: AlertRule,
    milder: Place,
    worse: Place,
    before: Mapping[Place, Episode],
    found: Look,
    book: SignalBook,
    panel: Panel,
    rows: Mapping[int, int],
) -> None:
    def after(place: Place) -> Episode | None:
        return found.episodes[place] if place in found.episodes else before.get(place)

    worse_now, milder_now = after(worse), after(milder)
    if worse_now is None or not worse_now.is_open or milder_now is None or not milder_now.is_open:
        return
    was_open = milder in before and before[milder].is_open
    found.episodes[milder] = dismissed(book.policy("alert", rule), panel.as_of)
    found.changes = [change for change in found.changes if (change.account, change.noun, change.rule) != milder]
    if was_open:
        found.changes.append(Change(rows[milder[0]], milder[0], "alert", milder[2], "supersede"))


def _note_due(
    book: SignalBook, before: Mapping[Place, Episode], found: Look, panel: Panel, soonest: NDArray[np.int64]
) -> None:
    rules = {(noun, name): rule for noun, name, rule in book.rules()}
    for place in {**before, **found.episodes}:
        episode = found.episodes[place] if place in found.episodes else before[place]
        rule = rules.get((place[1], place[2]))
        if episode is None or rule is None:
            continue
        due = next_step(episode, book.policy(place[1], rule))
        if due is not None and due > panel.as_of:
            found.due[place[0]] = min(due, found.due.get(place[0], due))
    now = microseconds(panel.as_of)
    for row in np.flatnonzero((soonest > now) & (soonest < NEVER)).tolist():
        account, due = int(panel.accounts[row]), instant(int(soonest[row]))
        found.due[account] = min(due, found.due.get(account, due))
