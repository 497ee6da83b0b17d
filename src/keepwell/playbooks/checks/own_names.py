"""Steps have different ids, and arms and exits do not take names that have a meaning of their own."""

from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from keepwell.health.checks.check import Issue, error
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck
from keepwell.playbooks.enrolment import HOLDOUT
from keepwell.playbooks.playbook import CHURNED, COMPLETED, CONDITION_GONE, ENDED_BY_MEMBER, GOAL, OPTED_OUT, SUPERSEDED
from keepwell.playbooks.steps.finish import BY_STEP

RESERVED: Final = (CHURNED, OPTED_OUT, GOAL, CONDITION_GONE, COMPLETED, SUPERSEDED, ENDED_BY_MEMBER, HOLDOUT, BY_STEP)


class OwnNames(PlaybookCheck):
    kind: ClassVar[Literal["own_names"]] = "own_names"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for name, playbook in book.playbooks.items():
            spot = book.spots[name]
            seen: dict[str, int] = {}
            for number, step in enumerate(playbook.steps):
                first = seen.setdefault(step.id, number)
                if first != number:
                    line = spot.source.line(("steps", first))
                    sentence = f"the id '{step.id}' is given twice; first on line {line}."
                    yield error(spot.problem(sentence, "steps", number, "id"))
            for exit_name in playbook.exits:
                if exit_name in RESERVED:
                    sentence = f"'{exit_name}' is a reason that every playbook has; call this exit otherwise."
                    yield error(spot.problem(sentence, "exits", exit_name))
            if HOLDOUT in playbook.arms:
                sentence = f"'{HOLDOUT}' is the share that is left alone; call this arm otherwise."
                yield error(spot.problem(sentence, "arms", HOLDOUT))
