"""Everything of a package that turns signals into playbooks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from keepwell.base.yaml_source import Path
from keepwell.health.package import Spot
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.template import TemplateHead
from keepwell.signals.book import SignalBook
from keepwell.signals.condition import When
from keepwell.signals.rule import Segment


@dataclass(frozen=True, slots=True)
class PlaybookBook:
    """Playbooks by id, which is the name of their file; `spots` have the files of those that could not be read too.

    `templates` are the ids of the package's texts, None where it has no folder of them; `heads` are the heads of those
    that could be read. `links` are those of the templates' settings, None where they are not known.
    """

    signals: SignalBook
    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    templates: frozenset[str] | None = None
    spots: Mapping[str, Spot] = field(default_factory=dict)
    heads: Mapping[str, TemplateHead] = field(default_factory=dict)
    links: frozenset[str] | None = None

    def signal_ids(self) -> tuple[str, ...]:
        """Every alert, opportunity and milestone of the package, by which a playbook may start."""
        return tuple(name for _, name, _ in self.signals.rules())

    def whens(self) -> Iterator[tuple[str, Path, When]]:
        """Every condition about accounts, with its playbook and its place in the file."""
        for name, playbook in self.playbooks.items():
            if playbook.goal is not None:
                yield name, ("goal",), playbook.goal
            yield from ((name, ("exits", one), when) for one, when in playbook.exits.items())
            for one, offer in playbook.offers.items():
                if offer.eligible is not None:
                    yield name, ("offers", one, "eligible"), offer.eligible
            for number, step in enumerate(playbook.steps):
                for path, only in step.conditions():
                    if only.when is not None:
                        yield name, ("steps", number, *path), only.when

    def asking(self) -> SignalBook:
        """The conditions of all playbooks as a book of signals, which knows what a panel must hold for them.

        They stand in it as segments beside those of the package, under names that no segment can have. Where a step
        celebrates, it knows too when that is unwise.
        """
        segments = dict(self.signals.segments)
        kept = ("segments", "unwise")
        spots = {place: spot for place, spot in self.signals.spots.items() if place[0] in kept}
        celebrates = any(playbook.celebrates for playbook in self.playbooks.values())
        for name, path, when in self.whens():
            label = ".".join((name, *self._keys(name, path)))
            segments[label] = Segment(title=label, when=when)
            spots["segments", label] = Spot(self.spots[name].source, path)
        return replace(
            self.signals, segments=segments, spots=spots, alerts={}, opportunities={}, milestones={}, policies={},
            blocked={}, unwise=self.signals.unwise if celebrates else {}, awards={}, won=(), contacted=(), plans=None,
        )  # fmt: skip

    def _keys(self, name: str, path: Path) -> list[str]:
        """A path as people read it: a step by its id."""
        steps = self.playbooks[name].steps
        is_step = len(path) > 1 and path[0] == "steps" and isinstance(path[1], int)
        named: Path = (path[0], steps[int(path[1])].id, *path[2:]) if is_step else path
        return [str(key) for key in named]
