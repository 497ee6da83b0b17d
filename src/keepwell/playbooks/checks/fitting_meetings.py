"""A meeting begins after its invitation is due, whenever the enrolment begins, and its place is known.

A place that is written like a name, in small letters and `_`, is that of a link.
"""

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.base.shape import NAME
from keepwell.health.checks.check import Issue, error
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import TRIALS, PlaybookCheck, contact_times, latest_times, unknown
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.steps.calendar import Invitation


class FittingMeetings(PlaybookCheck):
    kind: ClassVar[Literal["fitting_meetings"]] = "fitting_meetings"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for name, playbook in book.playbooks.items():
            for number, step in enumerate(playbook.steps):
                if not isinstance(step, Invitation):
                    continue
                place = ("steps", number)
                sentence = _too_soon(playbook, number, step)
                if sentence:
                    yield error(book.spots[name].problem(sentence, *place, "starts"))
                if book.links is not None and re.fullmatch(NAME, step.place):
                    yield from unknown(book, name, (*place, "place"), "link", (step.place,), sorted(book.links))


def _too_soon(playbook: Playbook, number: int, step: Invitation) -> str:
    """Why a meeting may have begun before its invitation is due, "" if it cannot."""
    for trial, due_at, starts_at in zip(
        TRIALS, latest_times(playbook, number), contact_times(step.starts), strict=True
    ):
        if starts_at <= due_at:
            return (
                f"'{step.id}' is due after {step.after.words}, when its meeting ({step.starts.words}) has begun, "
                f"for {trial}; let it start later."
            )
    return ""
