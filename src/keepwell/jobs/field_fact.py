"""What sources of fields ask for, read from the log and from the state: one query a question, for all accounts."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, TypeVar

import numpy as np
from django.db.models import Min, Q
from django.db.models.fields.json import KeyTextTransform

from keepwell.base.home import Home
from keepwell.facts.item_count import ItemCount, OpenItem
from keepwell.facts.moment import Moment
from keepwell.health.weight import NANO
from keepwell.lake.engine import Engine, Question
from keepwell.lake.item import item_counts, items_told, open_items
from keepwell.lake.log import EventLog
from keepwell.metrics.metric import Metric, with_used
from keepwell.playbooks.field_facts import AccountFacts, Ask, ItemQuestion, OpenQuestion, Peer, PeerQuestion, ScoreFacts
from keepwell.store.models import Account, CurrentScore, ModelVersion, ScoreRecord
from keepwell.store.read.dictionary import name_codes
from keepwell.store.read.package import package_of, signals_of

# Of more accounts on a plan that many are taken, chosen by their ids alone; a median needs no more.
MOST_PEERS: Final = 1000
_SCORES_A_QUERY: Final = 100

Told = Mapping[int, Mapping[str, float]]
A = TypeVar("A")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one field asks, and of which accounts."""

    ask: Ask
    accounts: frozenset[int]


def account_facts(account: Account, version: ModelVersion) -> AccountFacts:
    catalogue = signals_of(version).plans
    plans = catalogue.plans if catalogue is not None else {}
    plan = plans.get(account.plan)
    above = plan.next or "" if plan is not None else ""
    industry = account.traits.get("industry")
    return AccountFacts(
        industry=industry if isinstance(industry, str) else "",
        plan=account.plan,
        plan_title=plan.title if plan is not None else account.plan,
        plan_above=above,
        plan_above_title=plans[above].title if above in plans else "",
        currency=account.currency,
        mrr=account.mrr,
    )


class FactReader:
    """Answers the questions of one version's sources. Equal questions of several fields are asked once."""

    def __init__(
        self, home: Home, engine: Engine, version: ModelVersion, accounts: Mapping[int, AccountFacts], now: datetime
    ) -> None:
        self._log = EventLog(home.log)
        self._engine = engine
        self._version = version
        self._accounts = accounts
        self._now = now
        self._moment = Moment.at(now)
        self._names = name_codes()

    def values(self, metrics: Mapping[str, Metric], accounts: Iterable[int]) -> Told:
        """Metrics by name, in one query with those that they use; what is missing is left out."""
        asked = sorted(set(accounts))
        of = with_used(metrics, {**package_of(self._version).metrics, **metrics})
        if not of or not asked:
            return {}
        (values,) = self._engine.values(self._log, Question(of, self._names, [self._moment], asked))
        places = {name: values.metrics.index(name) for name in metrics}
        return {
            account: {name: float(row[at]) for name, at in places.items() if np.isfinite(row[at])}
            for account, row in zip(values.accounts.tolist(), values.matrix, strict=True)
        }

    def items(self, wanted: Mapping[str, Wanted]) -> Mapping[str, Mapping[int, Mapping[str, Mapping[str, ItemCount]]]]:
        """By field and account, the answers to its `items`."""
        questions = [(question, one.accounts) for one in wanted.values() for question in one.ask.items.values()]
        found = _once(questions, self._counted)
        return {
            field: {
                account: {name: found[repr(question)].get(account, {}) for name, question in one.ask.items.items()}
                for account in one.accounts
            }
            for field, one in wanted.items()
            if one.ask.items
        }

    def told(self, wanted: Mapping[str, Wanted]) -> Mapping[str, frozenset[str]]:
        asked = {field: one.ask.told for field, one in wanted.items() if one.ask.told is not None}
        found = _once([(question, frozenset()) for question in asked.values()], self._told)
        return {field: found[repr(question)] for field, question in asked.items()}

    def open_items(self, wanted: Mapping[str, Wanted]) -> Mapping[str, Mapping[int, Sequence[OpenItem]]]:
        asked = {field: one.ask.open_items for field, one in wanted.items() if one.ask.open_items is not None}
        found = _once([(question, wanted[field].accounts) for field, question in asked.items()], self._open)
        return {field: found[repr(question)] for field, question in asked.items()}

    def peers(self, wanted: Mapping[str, Wanted]) -> Mapping[str, Mapping[int, Sequence[Peer]]]:
        """By field and account, the accounts that it may be compared with, without itself."""
        asked = {field: one.ask.peers for field, one in wanted.items() if one.ask.peers is not None}
        found = _once([(question, wanted[field].accounts) for field, question in asked.items()], self._peers)
        return {field: found[repr(question)] for field, question in asked.items()}

    def scores(self, wanted: Mapping[str, Wanted]) -> Mapping[str, Mapping[int, ScoreFacts]]:
        asked = {field: one.ask.score_days for field, one in wanted.items() if one.ask.score_days}
        found = _once([(days, wanted[field].accounts) for field, days in asked.items()], self._scores)
        return {field: found[repr(days)] for field, days in asked.items()}

    def _counted(self, question: ItemQuestion, accounts: frozenset[int]) -> Mapping[int, Mapping[str, ItemCount]]:
        return item_counts(
            self._log,
            question.events,
            question.by,
            self._names,
            sorted(accounts),
            self._moment,
            days=question.days,
            amount=question.amount,
        )

    def _told(self, question: ItemQuestion, _: frozenset[int]) -> frozenset[str]:
        return items_told(self._log, question.events, question.by, self._names, self._moment, days=question.days)

    def _open(self, question: OpenQuestion, accounts: frozenset[int]) -> Mapping[int, Sequence[OpenItem]]:
        metric = question.metric
        return open_items(
            self._log,
            metric.filter(),
            metric.closed_by,
            metric.of,
            question.amount,
            self._names,
            sorted(accounts),
            self._moment,
            days=metric.days,
        )

    def _peers(self, question: PeerQuestion, accounts: frozenset[int]) -> Mapping[int, Sequence[Peer]]:
        """Accounts of one plan and industry share their peers, so these are chosen once."""
        kinds: dict[tuple[str, str], list[int]] = defaultdict(list)
        for account in accounts:
            facts = self._accounts[account]
            plan = facts.plan_above if question.is_plan_above else facts.plan
            if plan:
                kinds[plan, facts.industry].append(account)
        chosen = {kind: _chosen(*kind) for kind in kinds}
        every = {account for found in chosen.values() for account in found}
        values = self.values(question.metrics, every)
        return {
            account: [
                Peer(is_same, values[peer])
                for peer, is_same in chosen[kind].items()
                if peer != account and peer in values
            ]
            for kind, asking in kinds.items()
            for account in asking
        }

    def _scores(self, days: int, accounts: frozenset[int]) -> Mapping[int, ScoreFacts]:
        current = CurrentScore.objects.filter(model=self._version.model, account__in=accounts)
        told = current.values_list("account_id", "nano_points")
        points = {account: nano for account, nano in told if nano is not None}
        records = ScoreRecord.objects.filter(
            version__model=self._version.model,
            account__in=points,
            as_of__gt=self._now - timedelta(days=days),
            as_of__lte=self._now,
        ).exclude(nano_points=None)
        lowest = list(records.values_list("account_id").annotate(Min("nano_points")).order_by())
        found: dict[int, ScoreFacts] = {}
        for first in range(0, len(lowest), _SCORES_A_QUERY):
            some = lowest[first : first + _SCORES_A_QUERY]
            at_lowest = Q()
            for account, nano in some:
                at_lowest |= Q(account=account, nano_points=nano)
            moments = dict(records.filter(at_lowest).order_by("as_of").values_list("account_id", "as_of"))
            for account, nano in some:
                found[account] = ScoreFacts(points[account] / NANO, nano / NANO, moments[account])
        return found


def _chosen(plan: str, industry: str) -> dict[int, bool]:
    """Accounts of a plan that have not left, and whether each is of the industry; those of the industry come first."""
    rows = Account.objects.filter(plan=plan, churned_on=None)
    told = rows.annotate(industry=KeyTextTransform("industry", "traits")).values_list("pk", "industry")
    of = {pk: bool(industry) and told_industry == industry for pk, told_industry in told}
    order = sorted(of, key=lambda pk: (not of[pk], _lot(pk)))
    return {pk: of[pk] for pk in order[:MOST_PEERS]}


def _lot(account: int) -> bytes:
    """Puts accounts in an order that has nothing to do with them and is always the same."""
    return blake2b(str(account).encode(), digest_size=8).digest()


def _once(questions: Iterable[tuple[K, frozenset[int]]], answer: Callable[[K, frozenset[int]], A]) -> dict[str, A]:
    """The answer to each different question, asked once for all accounts that want it, by how the question reads."""
    accounts: dict[str, set[int]] = defaultdict(set)
    asked: dict[str, K] = {}
    for question, of in questions:
        asked[repr(question)] = question
        accounts[repr(question)] |= of
    return {key: answer(question, frozenset(accounts[key])) for key, question in asked.items()}
