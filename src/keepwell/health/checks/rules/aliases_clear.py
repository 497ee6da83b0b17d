"""A name means one event: no alias is given twice, nor is it the own name of another event."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Check, Issue, error
from keepwell.health.package import Package


class AliasesClear(Check):
    kind: ClassVar[Literal["aliases_clear"]] = "aliases_clear"

    def issues(self, package: Package) -> Iterator[Issue]:
        owners: dict[str, str] = {}
        for name, event in package.catalogue.events.items():
            spot = package.event_spots[name]
            for number, alias in enumerate(event.aliases):
                owner = owners.setdefault(alias, name)
                if alias == name:
                    sentence = f"the alias '{alias}' of event '{name}' is its own name; remove it."
                elif alias in package.catalogue.events:
                    sentence = f"the alias '{alias}' of event '{name}' is the name of another event."
                elif owner != name:
                    sentence = f"the alias '{alias}' of event '{name}' is already one of '{owner}'."
                elif alias in event.aliases[:number]:
                    sentence = f"the alias '{alias}' of event '{name}' is given twice."
                else:
                    continue
                yield error(spot.problem(sentence, "aliases", number))
