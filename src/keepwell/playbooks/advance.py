"""The state machine of an enrolment: what is due now, as decisions, and what is left.

The same inputs give the same outputs. Once its outcome is in the enrolment, a step never decides again; after the end
of the enrolment nothing decides.
"""

import itertools
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from keepwell.facts.notice import CSM
from keepwell.playbooks.decision import Decision, Finish, Late, Offer, Origin
from keepwell.playbooks.enrolment import HOLDOUT, Enrolment, OfferMade, Settled, with_end, with_settled
from keepwell.playbooks.facts import Facts
from keepwell.playbooks.offset import Offset
from keepwell.playbooks.playbook import CHURNED, COMPLETED, CONDITION_GONE, GOAL, OPTED_OUT, Playbook
from keepwell.playbooks.step import Due, Outcome, Step
from keepwell.signals.truth import YES

ANOTHER_PATH: Final = "another_path"
TOO_LATE: Final = "too_late"


@dataclass(frozen=True, slots=True)
class Advance:
    """`due_at` is when the next step is due or a wait is over, None after the end. Exits may hold at any time before,
    and so may what a wait waits for."""

    enrolment: Enrolment
    decisions: tuple[Decision, ...] = ()
    due_at: datetime | None = None


def advance(playbook: Playbook, enrolment: Enrolment, facts: Facts, now: datetime) -> Advance:
    """Everything that is due at `now`, in the order in which it was due; exits come first."""
    if enrolment.is_finished:
        return Advance(enrolment)
    enrolment = _with_reply(enrolment, facts, now)
    because = _exit(playbook, enrolment, facts)
    if because:
        return _ended(playbook, enrolment, (), Finish(because, now))
    decisions: list[Decision] = []
    # The ends of waits that go on, and the paths of which they have not decided yet.
    ends: list[datetime] = []
    undecided: set[str] = set()
    for planned_at, step in timetable(playbook, enrolment):
        # Anew where it is on a path, which a wait that ended just now may have opened.
        due_at = due_moment(playbook, step, enrolment) if step.path else planned_at
        if due_at > now:
            return Advance(enrolment, tuple(decisions), min([due_at, *ends]))
        if step.path in undecided - enrolment.paths:
            undecided.update(step.paths())
            continue
        outcome = _outcome(playbook, enrolment, facts, step, due_at, now)
        if outcome.waits_until is not None:
            ends.append(outcome.waits_until)
            undecided.update(step.paths())
            continue
        enrolment = _with_outcome(enrolment, step, outcome, now)
        end = next((decision for decision in outcome.decisions if isinstance(decision, Finish)), None)
        if end is not None:
            return _ended(playbook, enrolment, tuple(decisions), end)
        decisions += outcome.decisions
    if ends:
        return Advance(enrolment, tuple(decisions), min(ends))
    return _ended(playbook, enrolment, tuple(decisions), Finish(COMPLETED, now))


def end_enrolment(playbook: Playbook, enrolment: Enrolment, because: str, now: datetime) -> Advance:
    """The end by somebody from outside, such as `SUPERSEDED`; one that has ended already stays as it is."""
    return Advance(enrolment) if enrolment.is_finished else _ended(playbook, enrolment, (), Finish(because, now))


def timetable(playbook: Playbook, enrolment: Enrolment) -> list[tuple[datetime, Step]]:
    """The steps that are still to come, in the order in which they fall due; those due together as they are written."""
    to_come = [
        (due_moment(playbook, step, enrolment), place, step)
        for place, step in playbook.steps_for(enrolment.arm)
        if step.id not in enrolment.settled
    ]
    return [(due_at, step) for due_at, _, step in sorted(to_come, key=lambda one: one[:2])]


def due_moment(playbook: Playbook, step: Step, enrolment: Enrolment) -> datetime:
    """When a step is due: at its own time, but not before its path can be taken.

    A wait opens its path when it is over, a branch when it is due.
    """
    own = _counted(step.after, step, enrolment)
    leading = _leading(playbook, step, enrolment)
    return max(own, min((_opens_at(playbook, one, enrolment) for one in leading), default=own))


def end_of_wait(playbook: Playbook, step: Step, enrolment: Enrolment) -> datetime:
    """When the time of a step that waits is up."""
    due_at = due_moment(playbook, step, enrolment)
    return max(due_at, _done_by(step, enrolment, due_at) or due_at)


def _opens_at(playbook: Playbook, step: Step, enrolment: Enrolment) -> datetime:
    """When a step opened its paths; the earliest moment at which it may where it has not yet."""
    settled = enrolment.settled.get(step.id)
    if settled is None or not step.waits:
        return due_moment(playbook, step, enrolment)
    return min(settled.at, end_of_wait(playbook, step, enrolment))


def _leading(playbook: Playbook, step: Step, enrolment: Enrolment) -> list[Step]:
    """The steps above that sent the enrolment to the step's path, or those that still may where none has."""
    above = itertools.takewhile(lambda one: one.id != step.id, playbook.steps)
    leading = [one for one in above if step.path in one.paths() and one.arm in (None, enrolment.arm)]
    if step.path in enrolment.paths:
        return [one for one in leading if one.id in enrolment.settled and enrolment.settled[one.id].status == "done"]
    return [one for one in leading if one.id not in enrolment.settled]


def _counted(offset: Offset, step: Step, enrolment: Enrolment) -> datetime:
    return offset.due_at(enrolment.started_at, step.calendar(enrolment.contact_calendar, enrolment.team_calendar))


def _done_by(step: Step, enrolment: Enrolment, due_at: datetime) -> datetime | None:
    """A step that had to wait for its path has as long as it would have had otherwise."""
    if step.within is None:
        return None
    return _counted(step.within, step, enrolment) + (due_at - _counted(step.after, step, enrolment))


def _with_reply(enrolment: Enrolment, facts: Facts, now: datetime) -> Enrolment:
    """Keeps the first answer; one from before the enrolment answers something else."""
    replied_at = facts.replied_at
    if enrolment.replied_at is not None or replied_at is None:
        return enrolment
    return replace(enrolment, replied_at=replied_at) if enrolment.started_at <= replied_at <= now else enrolment


def _exit(playbook: Playbook, enrolment: Enrolment, facts: Facts) -> str:
    """Why the enrolment ends now, "" if it goes on. What cannot be said ends nothing."""
    if facts.is_churned:
        return CHURNED
    if facts.is_opted_out:
        return OPTED_OUT
    if enrolment.arm == HOLDOUT:
        return HOLDOUT
    if playbook.goal is not None and facts.truth(playbook.goal) == YES:
        return GOAL
    if playbook.while_open and facts.is_signal_open is False:
        return CONDITION_GONE
    return next((name for name, when in playbook.exits.items() if facts.truth(when) == YES), "")


def _outcome(
    playbook: Playbook, enrolment: Enrolment, facts: Facts, step: Step, due_at: datetime, now: datetime
) -> Outcome:
    if step.path is not None and step.path not in enrolment.paths:
        return Outcome(skipped=ANOTHER_PATH)
    refusal = step.only_if.refusal(enrolment, facts) if step.only_if is not None else ""
    if refusal:
        return Outcome(skipped=refusal)
    done_by, approve_by = _done_by(step, enrolment, due_at), playbook.approver(step)
    late_at = due_at + playbook.grace if done_by is None else max(done_by, due_at)
    is_late = now > late_at
    policy = _late_policy(playbook, step)
    if is_late and policy == "skip":
        return Outcome(skipped=TOO_LATE)
    if is_late and policy == "ask":
        approve_by = approve_by or step.sender_role() or CSM
    origin = Origin(step.id, due_at, done_by, is_late, approve_by, late_at, policy)
    return step.outcome(Due(enrolment=enrolment, facts=facts, origin=origin, now=now, offers=playbook.offers))


def _late_policy(playbook: Playbook, step: Step) -> Late:
    """What nobody outside hears of is done late rather than not at all, unless the step itself says otherwise."""
    return step.late or (playbook.late if step.reaches_contact else "send")


def _with_outcome(enrolment: Enrolment, step: Step, outcome: Outcome, now: datetime) -> Enrolment:
    status = Settled("skipped", now, outcome.skipped) if outcome.skipped else Settled("done", now)
    enrolment = with_settled(enrolment, step.id, status)
    made = {
        name: OfferMade(step.id, expires_at)
        for decision in outcome.decisions
        if isinstance(decision, Offer)
        for name, expires_at in decision.expires_at.items()
    }
    paths = enrolment.paths | {outcome.path} if outcome.path else enrolment.paths
    return replace(enrolment, paths=paths, offers=MappingProxyType({**enrolment.offers, **made}))


def _ended(playbook: Playbook, enrolment: Enrolment, decisions: tuple[Decision, ...], end: Finish) -> Advance:
    for _, step in timetable(playbook, enrolment):
        enrolment = with_settled(enrolment, step.id, Settled("skipped", end.at, end.because))
    return Advance(with_end(enrolment, end.because, end.at), (*decisions, end))
