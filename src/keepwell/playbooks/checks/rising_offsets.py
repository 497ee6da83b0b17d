"""Steps stand in the order in which they fall due: offsets count from the enrolment, not from the step before.

A step that would always come before one written above it is refused, and so is a deadline that always comes before its
step. Where the order hangs on the day and hour of the enrolment, nothing is said.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue, error
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import TRIALS, PlaybookCheck, due_times
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.step import Step


class RisingOffsets(PlaybookCheck):
    kind: ClassVar[Literal["rising_offsets"]] = "rising_offsets"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for name, playbook in book.playbooks.items():
            spot = book.spots[name]
            for arm in playbook.arms or ("",):
                for number, sentence in _falling(playbook, arm):
                    yield error(spot.problem(sentence, "steps", number, "after"))
            for number, step in enumerate(playbook.steps):
                if step.within is None:
                    continue
                ends = [trial.due_at(step.within, step) for trial in TRIALS]
                if all(end < due_at for end, due_at in zip(ends, due_times(step), strict=True)):
                    sentence = f"'{step.id}' is due after {step.after.words}, when {step.within.words} are over."
                    yield error(spot.problem(sentence, "steps", number, "within"))


def _falling(playbook: Playbook, arm: str) -> Iterator[tuple[int, str]]:
    """Steps that always come before the one that an account of the arm, on the same path, has above them."""
    passed: list[Step] = []
    for number, step in playbook.steps_for(arm):
        above = next((one for one in reversed(passed) if _share_path(one, step)), None)
        if above is not None and all(
            mine < other for mine, other in zip(due_times(step), due_times(above), strict=True)
        ):
            sentence = (
                f"'{step.id}' is due after {step.after.words}, before '{above.id}' above it "
                f"({above.after.words}). Offsets count from the enrolment; put the steps in order."
            )
            yield number, sentence
        passed.append(step)


def _share_path(one: Step, other: Step) -> bool:
    return one.path is None or other.path is None or one.path == other.path
