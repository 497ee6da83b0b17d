"""Every step can be reached: its arm exists, a branch before it leads to its path, and no end comes before it."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.base.errors import nearest
from keepwell.health.checks.check import Issue, error
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import TRIALS, PlaybookCheck, due_times, times_of, unknown
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.step import Step


class ReachableSteps(PlaybookCheck):
    kind: ClassVar[Literal["reachable_steps"]] = "reachable_steps"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for name, playbook in book.playbooks.items():
            spot = book.spots[name]
            for number, step in enumerate(playbook.steps):
                if step.arm is not None:
                    yield from unknown(book, name, ("steps", number, "arm"), "arm", (step.arm,), playbook.arms)
                if step.path is not None:
                    sentence = _lost_path(playbook, number, step, step.path)
                    if sentence:
                        yield error(spot.problem(sentence, "steps", number, "path"))
                end = next((one for one in playbook.steps[:number] if _ends_all(one, step)), None)
                if end is not None:
                    sentence = f"'{step.id}' is never reached: '{end.id}' above it ends every enrolment."
                    yield error(spot.problem(sentence, "steps", number))
                for path in step.paths():
                    if not any(later.path == path for later in playbook.steps[number + 1 :]):
                        sentence = f"'{step.id}' leads to the path '{path}', which no step below it is on."
                        yield error(spot.problem(sentence, "steps", number))


def _lost_path(playbook: Playbook, number: int, step: Step, path: str) -> str:
    """Why a step on a path cannot be reached, "" if it can."""
    above = [one for one in playbook.steps[:number] if path in one.paths()]
    if not above:
        known = [one for branch in playbook.steps[:number] for one in branch.paths()]
        return f"'{step.id}' is never reached: no branch above leads to the path '{path}'.{nearest(path, known)}"
    branch = above[-1]
    opens = branch.opens_path(path)
    for trial, mine, other in zip(TRIALS, due_times(step), times_of(branch, opens), strict=True):
        if mine < other and branch.waits:
            told = f"which '{branch.id}' opens only after {opens.words}, for {trial}"
            return f"'{step.id}' comes before its path '{path}', {told}; make it later."
        if mine < other:
            return f"'{step.id}' comes before its branch '{branch.id}' for {trial}; make it later."
    return ""


def _ends_all(end: Step, step: Step) -> bool:
    """Whether no account that the step is for gets past another step."""
    is_unconditional = end.ends_enrolment() and end.only_if is None
    return is_unconditional and end.arm in (None, step.arm) and end.path in (None, step.path)
