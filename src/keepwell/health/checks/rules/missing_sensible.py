"""Some data must always be needed: not every measure may count without a value, and freshness is in whole days.

Where all measures are `neutral`, an account of which nothing is known would have a score; where a `mix` or a measure
used twice says different things about freshness, nobody could say which value is too old.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Literal

from keepwell.base.yaml_source import YamlSource
from keepwell.health.checks.check import Check, Issue, error, models_of
from keepwell.health.health_model import HealthModel, Measure, Neutral
from keepwell.health.package import Package


class MissingSensible(Check):
    kind: ClassVar[Literal["missing_sensible"]] = "missing_sensible"

    def issues(self, package: Package) -> Iterator[Issue]:
        for model, source in models_of(package):
            policies = [model.policy(measure) for measure in model.measures()]
            if all(isinstance(policy, Neutral) for policy in policies):
                sentence = "every measure counts without a value; let at least one be redistributed or excluded."
                yield error(source.problem(("missing",), sentence))
            yield from _freshness(model, source)


def _freshness(model: HealthModel, source: YamlSource) -> Iterator[Issue]:
    limits: dict[str, timedelta | None] = {}
    for path, part in model.walk():
        if not isinstance(part, Measure):
            continue
        limit = part.fresh_within
        place = (*path, "fresh_within")
        if limit is not None and (limit <= timedelta(0) or limit % timedelta(days=1)):
            yield error(
                source.problem(place, f"measure '{part.metric}': fresh_within must be whole days, at least '1d'.")
            )
        if limits.setdefault(part.metric, limit) != limit:
            sentence = f"metric '{part.metric}' has another fresh_within elsewhere in the model; give it the same."
            yield error(source.problem(place, sentence))
