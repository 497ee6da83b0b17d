"""One look at many accounts: what holds, what that opens and closes, and when to look again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from graphlib import TopologicalSorter
from types import MappingProxyType
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
from keepwell.signals.rule import Rule
from keepwell.signals.truth import NO, YES, Truth

# An account, what kind of rule, and which.
Place = tuple[int, Noun, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A signal that opened or closed; `row` is that of its account in the panel.

    `since` is when a look first found what opened to hold, without a break until now.
    """

    row: int
    account: int
    noun: Noun
    rule: str
    transition: Literal["open", "close", "supersede"]
    since: datetime


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


def look(
    book: SignalBook,
    panel: Panel,
    before: Mapping[Place, Episode],
    is_quiet: NDArray[np.bool_],
    muted_peaks: Mapping[Place, float] = MappingProxyType({}),
) -> Look:
    """What the rules make of a panel that knows its segments.

    `before` holds every episode of these accounts that is not over; `is_quiet` marks rows at which nothing may open.
    `muted_peaks` are the highest scores, in 1e-9 points, since muted episodes began, where the panel's reach further
    back.
    """
    found = Look()
    soonest = np.full(len(panel), NEVER)
    rows = {account: row for row, account in enumerate(panel.accounts.tolist())}
    kept: dict[tuple[Noun, str], dict[int, Episode]] = {}
    for place, known in before.items():
        if place[0] in rows:
            kept.setdefault(place[1:], {})[rows[place[0]]] = known
    for noun, name, rule in book.rules():
        truth, policy = rule.when.truth(panel), book.policy(noun, rule)
        soonest = np.minimum(soonest, rule.when.next_change(panel))
        is_ended = _ended(rule, panel)
        if isinstance(rule, AlertRule) and rule.until is not None:
            soonest = np.minimum(soonest, rule.until.next_change(panel))
        at_once = policy.model_copy(update={"clear": timedelta(0)})
        is_grave, is_news = _grave(panel, policy), rule.when.is_news(panel)
        held = kept.pop((noun, name), {})
        for row in sorted({*np.flatnonzero(truth == YES).tolist(), *held}):
            place, episode = (int(panel.accounts[row]), noun, name), held.get(row)
            peak = muted_peaks.get(place)
            after = step(
                episode,
                NO if is_ended[row] else int(truth[row]),
                at_once if is_ended[row] else policy,
                panel.as_of,
                is_grave=bool(is_grave[row]) if peak is None else _has_fallen(panel, row, peak, policy),
                is_quiet=bool(is_quiet[row]),
                is_news=bool(is_news[row]),
            )
            if after.episode != episode:
                found.episodes[place] = after.episode
            if after.transition is not None:
                since = episode.since if episode is not None and episode.phase == "pending" else panel.as_of
                found.changes.append(Change(row, place[0], noun, name, after.transition, since))
    _end_gone_rules(kept, found, panel)
    _supersede(book, before, found, panel, rows)
    _note_due(book, before, found, panel, soonest)
    return found


def _ended(rule: Rule, panel: Panel) -> NDArray[np.bool_]:
    """Rows at which an alert is over at once, whatever else holds."""
    if not isinstance(rule, AlertRule) or rule.until is None:
        return np.zeros(len(panel), dtype=np.bool_)
    over: NDArray[np.bool_] = rule.until.truth(panel) == YES
    return over


def _grave(panel: Panel, policy: Policy) -> NDArray[np.bool_]:
    if policy.fast is None or policy.fast.days not in panel.peaks:
        return np.zeros(len(panel), dtype=np.bool_)
    fall = panel.peaks[policy.fast.days] - panel.nano_points
    return panel.has_score & (np.nan_to_num(fall) >= nano(policy.fast.fall))


def _has_fallen(panel: Panel, row: int, peak: float, policy: Policy) -> bool:
    if policy.fast is None or not panel.has_score[row]:
        return False
    return peak - int(panel.nano_points[row]) >= nano(policy.fast.fall)


def _end_gone_rules(gone: Mapping[tuple[Noun, str], Mapping[int, Episode]], found: Look, panel: Panel) -> None:
    """What rules opened that the package no longer has is over."""
    for (noun, name), held in gone.items():
        for row, episode in held.items():
            account = int(panel.accounts[row])
            found.episodes[account, noun, name] = None
            if episode.is_open:
                found.changes.append(Change(row, account, noun, name, "close", panel.as_of))


def _supersede(
    book: SignalBook, before: Mapping[Place, Episode], found: Look, panel: Panel, rows: Mapping[int, int]
) -> None:
    """An alert that opens closes the milder ones; while it is open, they do not open."""
    by_rule: dict[str, set[int]] = {}
    for account, noun, name in (*before, *found.episodes):
        if noun == "alert":
            by_rule.setdefault(name, set()).add(account)
    closed: set[Place] = set()
    for name, alert in book.alerts.items():
        for milder in alert.supersedes:
            policy = book.policy("alert", book.alerts[milder])
            for account in sorted(by_rule.get(name, set()) & by_rule.get(milder, set())):
                place: Place = (account, "alert", milder)
                if _is_open(before, found, (account, "alert", name)) and _is_open(before, found, place):
                    found.episodes[place] = dismissed(policy, panel.as_of)
                    closed.add(place)
    if not closed:
        return
    found.changes = [change for change in found.changes if (change.account, change.noun, change.rule) not in closed]
    for account, _, name in sorted(closed):
        if (account, "alert", name) in before and before[account, "alert", name].is_open:
            found.changes.append(Change(rows[account], account, "alert", name, "supersede", panel.as_of))


def _is_open(before: Mapping[Place, Episode], found: Look, place: Place) -> bool:
    episode = found.episodes[place] if place in found.episodes else before.get(place)
    return episode is not None and episode.is_open


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
