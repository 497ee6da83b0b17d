"""The values of fields of `usage` at accounts: read in as few queries as there are questions, and only what a text
uses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from keepwell.base.errors import BugError
from keepwell.base.home import Home
from keepwell.jobs.field_fact import FactReader, Told, Wanted
from keepwell.lake.engine import Engine
from keepwell.metrics.metric import Metric
from keepwell.playbooks.field_facts import AccountFacts, FieldFacts
from keepwell.playbooks.template_field import Value
from keepwell.playbooks.template_settings import TemplateSettings
from keepwell.store.models import ModelVersion
from keepwell.store.read.package import package_of, templates_of

# Before the names of metrics that sources ask for.
_OF: Final = "of_field_"


@dataclass(frozen=True, slots=True)
class FoundField:
    """A value with what it rests on, as a sentence without its full stop."""

    value: Value
    basis: str


@dataclass(frozen=True, slots=True)
class AskedAccount:
    """`zone` is that of the contact."""

    facts: AccountFacts
    zone: ZoneInfo


def field_values(
    home: Home,
    engine: Engine,
    version: ModelVersion,
    wanted: Mapping[str, frozenset[int]],
    accounts: Mapping[int, AskedAccount],
    now: datetime,
) -> dict[tuple[int, str], FoundField]:
    """By account and field, what is known; `wanted` are the fields of `usage`, each with the accounts that want it."""
    book = templates_of(version)
    if book is None or not wanted:
        return {}
    reader = FactReader(home, engine, version, {account: one.facts for account, one in accounts.items()}, now)
    return _Fields(book.settings, package_of(version).metrics, reader, accounts, now).found(wanted)


class _Fields:
    def __init__(
        self,
        settings: TemplateSettings,
        metrics: Mapping[str, Metric],
        reader: FactReader,
        accounts: Mapping[int, AskedAccount],
        now: datetime,
    ) -> None:
        self._usage = settings.usage
        self._package = settings.source_package(metrics)
        self._reader = reader
        self._accounts = accounts
        self._now = now

    def found(self, wanted: Mapping[str, frozenset[int]]) -> dict[tuple[int, str], FoundField]:
        sources = {name: self._package.sources[name] for name in wanted if name in self._package.sources}
        asked = {name: Wanted(source.ask(self._package), wanted[name]) for name, source in sources.items()}
        labels = {
            (name, label): f"{_OF}{name}_{at}"
            for name, one in asked.items()
            for at, label in enumerate(one.ask.metrics)
        }
        told = self._told(wanted, asked, labels)
        found = self._measured(wanted, told)
        facts = self._facts(asked, told, labels)
        for name, source in sources.items():
            for account in wanted[name]:
                value = source.value(facts[name, account], self._package)
                if value is not None:
                    found[account, name] = FoundField(value, source.basis(facts[name, account], self._package))
        return found

    def _told(
        self,
        wanted: Mapping[str, frozenset[int]],
        asked: Mapping[str, Wanted],
        labels: Mapping[tuple[str, str], str],
    ) -> Told:
        """All metrics at once: those of the fields themselves, and under labels those that sources ask for."""
        metrics = {metric: self._package.metrics[metric] for metric in self._metrics(wanted).values()}
        own = {labels[name, label]: one for name in asked for label, one in asked[name].ask.metrics.items()}
        if own.keys() & self._package.metrics.keys():
            raise BugError("A metric of the package has a name that is ours.")
        accounts = {account for name in wanted for account in wanted[name]}
        return self._reader.values({**metrics, **own}, accounts)

    def _metrics(self, wanted: Iterable[str]) -> dict[str, str]:
        metrics = {name: self._usage[name].metric for name in wanted if name in self._usage}
        return {name: metric for name, metric in metrics.items() if metric is not None}

    def _measured(self, wanted: Mapping[str, frozenset[int]], told: Told) -> dict[tuple[int, str], FoundField]:
        found: dict[tuple[int, str], FoundField] = {}
        for name, metric in self._metrics(wanted).items():
            about = self._package.metrics[metric].about or f"the metric '{metric}'"
            for account in wanted[name]:
                value = told.get(account, {}).get(metric)
                if value is not None:
                    number = int(value) if value.is_integer() else value
                    found[account, name] = FoundField(number, about.strip().removesuffix("."))
        return found

    def _facts(
        self, asked: Mapping[str, Wanted], told: Told, labels: Mapping[tuple[str, str], str]
    ) -> dict[tuple[str, int], FieldFacts]:
        items, everybody = self._reader.items(asked), self._reader.told(asked)
        invoices, peers, scores = self._reader.open_items(asked), self._reader.peers(asked), self._reader.scores(asked)
        found = {}
        for name, one in asked.items():
            for account in one.accounts:
                values = told.get(account, {})
                keys = {label: labels[name, label] for label in one.ask.metrics}
                found[name, account] = FieldFacts(
                    now=self._now,
                    zone=self._accounts[account].zone,
                    account=self._accounts[account].facts,
                    values={label: values[key] for label, key in keys.items() if key in values},
                    items=items.get(name, {}).get(account, {}),
                    told=everybody.get(name, frozenset()),
                    open_items=invoices.get(name, {}).get(account, ()),
                    peers=peers.get(name, {}).get(account, ()),
                    score=scores.get(name, {}).get(account),
                )
        return found
