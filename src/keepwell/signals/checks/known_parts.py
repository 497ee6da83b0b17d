"""A signal rule names metrics, bands, segments, policies, alerts and plans that there are."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Literal

from keepwell.base.errors import nearest
from keepwell.health.checks.check import Issue, error
from keepwell.signals.book import SignalBook
from keepwell.signals.check import SignalCheck

SECTIONS = {"alert": "alerts", "opportunity": "opportunities", "milestone": "milestones"}


class KnownParts(SignalCheck):
    kind: ClassVar[Literal["known_parts"]] = "known_parts"

    def issues(self, book: SignalBook) -> Iterator[Issue]:
        bands = tuple(band.id for band in book.model.bands)
        for section, name, when in book.whens():
            for condition in when.walk():
                if book.package.are_all_read:
                    yield from _unknown(
                        book, section, name, "metric", condition.metric_ids(), book.package.metric_spots
                    )
                yield from _unknown(book, section, name, "band", condition.band_ids(), bands)
                yield from _unknown(book, section, name, "segment", condition.segment_ids(), book.segments)
        for noun, name, rule in book.rules():
            policies = ("default", *(policy for kept, policy in book.policies if kept == noun))
            yield from _unknown(book, SECTIONS[noun], name, "policy", (rule.policy,), policies)
        for name, alert in book.alerts.items():
            yield from _unknown(book, "alerts", name, "alert", alert.supersedes, book.alerts)
        plans = book.plans.plans if book.plans else {}
        for name, opportunity in book.opportunities.items():
            worth = opportunity.worth
            yield from _unknown(book, "opportunities", name, "metric", worth.metric_ids(), book.package.metric_spots)
            yield from _unknown(book, "opportunities", name, "plan", worth.plan_ids(), plans)
        for name, plan in plans.items():
            yield from _unknown(book, "plans", name, "plan", (plan.next,) if plan.next else (), plans)


def _unknown(
    book: SignalBook, section: str, name: str, noun: str, asked: Sequence[str], known: Iterable[str]
) -> Iterator[Issue]:
    names = tuple(known)
    for one in dict.fromkeys(asked):
        if one not in names:
            sentence = f"'{name}': unknown {noun} '{one}'.{nearest(one, names)}"
            yield error(book.spots[section, name].problem(sentence))
