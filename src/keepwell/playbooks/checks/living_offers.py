"""Offers are known, and mentioned only after they were made and before they expire, whenever the enrolment begins."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.base.periods import format_period
from keepwell.health.checks.check import Issue, error, warning
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import TRIALS, PlaybookCheck, due_times, latest_times, unknown
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.step import Step


class LivingOffers(PlaybookCheck):
    kind: ClassVar[Literal["living_offers"]] = "living_offers"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for name, playbook in book.playbooks.items():
            spot = book.spots[name]
            for number, step in enumerate(playbook.steps):
                asked = (*step.offers_made(), *step.offers_mentioned())
                yield from unknown(book, name, ("steps", number), "offer", asked, playbook.offers)
                for offer in step.offers_mentioned():
                    sentence = _dead(playbook, number, step, offer) if offer in playbook.offers else ""
                    if sentence:
                        yield error(spot.problem(sentence, "steps", number, "mentions"))
            made = {offer for step in playbook.steps for offer in step.offers_made()}
            for offer in playbook.offers:
                if offer not in made:
                    yield warning(spot.problem(f"no step makes the offer '{offer}'.", "offers", offer))


def _dead(playbook: Playbook, number: int, step: Step, offer: str) -> str:
    """Why an offer does not stand when a step mentions it, "" if it does."""
    makers = [
        place
        for place, one in enumerate(playbook.steps[:number])
        if offer in one.offers_made() and one.arm in (None, step.arm)
    ]
    if not makers:
        return f"'{step.id}' mentions the offer '{offer}', which no step above it makes."
    valid_for = playbook.offers[offer].valid_for
    maker = playbook.steps[makers[-1]]
    # A wait before them may be over at once, or only at its end.
    soon = zip(TRIALS, due_times(step), due_times(maker), strict=True)
    late = zip(TRIALS, latest_times(playbook, number), latest_times(playbook, makers[-1]), strict=True)
    for trial, mine, made in (*soon, *late):
        if mine < made:
            return f"'{step.id}' mentions the offer '{offer}' before '{maker.id}' makes it, for {trial}."
        if mine >= made + valid_for:
            return (
                f"'{step.id}' mentions the offer '{offer}' when it has expired: '{maker.id}' makes it after "
                f"{maker.after.words} and it stands for {format_period(valid_for)}. "
                "Mention it earlier, or let it stand longer."
            )
    return ""
