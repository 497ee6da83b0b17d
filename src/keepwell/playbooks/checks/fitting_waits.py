"""A wait leads to a path, and asks by `until` alone: what else a step may ask has no meaning while it goes on."""

from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from keepwell.health.checks.check import Issue, error
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck

OF_OTHERS: Final = ("only_if", "late", "approval")


class FittingWaits(PlaybookCheck):
    kind: ClassVar[Literal["fitting_waits"]] = "fitting_waits"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for name, playbook in book.playbooks.items():
            spot = book.spots[name]
            for number, step in enumerate(playbook.steps):
                if not step.waits:
                    continue
                if not step.paths():
                    sentence = f"'{step.id}' leads nowhere; name the path 'then', 'otherwise' or both."
                    yield error(spot.problem(sentence, "steps", number))
                for key in OF_OTHERS:
                    if getattr(step, key) is not None:
                        sentence = f"'{step.id}' is a wait, which asks by 'until' alone; leave '{key}' out."
                        yield error(spot.problem(sentence, "steps", number, key))
