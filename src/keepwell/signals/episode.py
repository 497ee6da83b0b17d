"""One rule at one account over time: an episode begins, opens, clears, closes and cools down."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from keepwell.signals.policy import Policy
from keepwell.signals.truth import NO, UNKNOWN

# `pending`: holds, but not for long enough. `open`: told. `clearing`: open, and over, but not for long enough.
# `muted`: holds, and nobody is to be told of this episode. `cooling`: over, and not to be told again yet.
Phase = Literal["pending", "open", "clearing", "muted", "cooling"]
Transition = Literal["open", "close"]


@dataclass(frozen=True, slots=True)
class Episode:
    """`since` is when the phase began; `until` is when the cool-down ends, None without one.

    What is muted without a cool-down was muted by a quiet look, not by somebody who closed it.
    """

    phase: Phase
    since: datetime
    until: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.phase in ("open", "clearing")


@dataclass(frozen=True, slots=True)
class Step:
    """What a look leads to. Without an episode there is nothing to remember."""

    episode: Episode | None
    transition: Transition | None = None


def step(
    before: Episode | None,
    truth: int,
    policy: Policy,
    now: datetime,
    *,
    is_grave: bool = False,
    is_quiet: bool = False,
    is_news: bool = False,
) -> Step:
    """The episode after a look at `now`.

    What cannot be said changes nothing. `is_grave` means that the score fell as far as the policy's fast path asks. In
    a quiet look, which follows an import of history or a new model, nothing opens: what holds then is muted until it
    is over, or gets grave. `is_news` means that it holds by an event that came in live since the last look: of that
    people are told all the same.
    """
    if truth == UNKNOWN:
        return Step(before)
    if truth == NO:
        return _over(before, policy, now)
    if is_quiet and not is_news:
        return Step(_quiet(before, now))
    return _holding(before, policy, now, is_grave=is_grave, is_news=is_news)


def dismissed(policy: Policy, now: datetime) -> Episode:
    """After somebody closed it: as long as it still holds, nobody is told again."""
    return Episode("muted", now, now + policy.cool_down)


def next_step(episode: Episode, policy: Policy) -> datetime | None:
    """When the episode may move on although nothing else changes; the fast path is not waited for."""
    if episode.phase == "pending":
        return max(episode.since + policy.dwell, episode.until or episode.since)
    if episode.phase == "clearing":
        return episode.since + policy.clear
    return episode.until if episode.phase == "cooling" else None


def _holding(before: Episode | None, policy: Policy, now: datetime, *, is_grave: bool, is_news: bool) -> Step:
    if before is not None and before.is_open:
        return Step(before if before.phase == "open" else replace(before, phase="open", since=now))
    if before is not None and before.phase == "muted" and not (is_grave or (is_news and before.until is None)):
        return Step(before)
    until = before.until if before is not None else None
    since = before.since if before is not None and before.phase == "pending" else now
    is_cool = until is not None and now < until
    fast = policy.fast if is_grave else None
    if fast is not None and now - since >= fast.dwell:
        return Step(Episode("open", now), "open")
    if now - since >= policy.dwell and not is_cool:
        return Step(Episode("open", now), "open")
    return Step(Episode("pending", since, until if is_cool else None))


def _over(before: Episode | None, policy: Policy, now: datetime) -> Step:
    if before is None:
        return Step(None)
    if not before.is_open:
        is_cool = before.until is not None and now < before.until
        return Step(Episode("cooling", before.since, before.until) if is_cool else None)
    begun = before.since if before.phase == "clearing" else now
    if now - begun < policy.clear:
        return Step(Episode("clearing", begun))
    until = now + policy.cool_down
    return Step(Episode("cooling", now, until) if until > now else None, "close")


def _quiet(before: Episode | None, now: datetime) -> Episode:
    if before is not None and before.is_open:
        return before if before.phase == "open" else replace(before, phase="open", since=now)
    if before is not None and before.phase == "muted":
        return before
    return Episode("muted", now, before.until if before is not None else None)
