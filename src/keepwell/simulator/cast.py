"""Who takes part in a simulated history: accounts with their plans and contacts with their roles."""

from dataclasses import dataclass

import numpy as np

from keepwell.simulator.archetype import NEVER, Fate, fates
from keepwell.simulator.flavour import FLAVOURS, Flavour, PackageName
from keepwell.simulator.name_part import (
    FIRST_NAMES,
    FIRST_PARTS,
    LAST_NAMES,
    NAMED_ACCOUNTS,
    PLACES,
    SECOND_PARTS,
)
from keepwell.simulator.stage import Calendar, Floats, Integers, random_stream

ROLES = ("admin", "executive", "end_user", "developer", "finance")


@dataclass(frozen=True, slots=True)
class Contacts:
    """One place per contact, ordered by account; a contact's account is an index into the accounts."""

    account: Integers
    keys: tuple[str, ...]
    names: tuple[str, ...]
    emails: tuple[str, ...]
    role: Integers
    zeal: Floats
    joined: Integers
    left: Integers


@dataclass(frozen=True, slots=True)
class Cast:
    """One place per account. `first_contact` and `contact_count` say which contacts are an account's."""

    package: PackageName
    flavour: Flavour
    seed: int
    calendar: Calendar
    fate: Fate
    keys: tuple[str, ...]
    names: tuple[str, ...]
    place: Integers
    industry: Integers
    plan: Integers
    sociable: Floats
    first_contact: Integers
    contact_count: Integers
    contacts: Contacts

    @property
    def accounts(self) -> int:
        return len(self.keys)

    def random_stream(self, subject: str) -> np.random.Generator:
        return random_stream(self.seed, f"{self.package} {subject}")

    def activity(self) -> Floats:
        """Health where the account is alive, else 0; a row per account and a column per day."""
        return np.where(self.fate.is_alive(), self.fate.health, 0.0)

    def offset_hours(self, account: Integers) -> Floats:
        offsets = np.array([place[2] for place in PLACES], dtype=np.float64)
        return offsets[self.place[account]]


def cast_of(package: PackageName, seed: int, accounts: int, days: Calendar) -> Cast:
    flavour = FLAVOURS[package]
    rng = random_stream(seed, f"{package} cast")
    fate = fates(rng, accounts, days.days)
    names = _account_names(rng, accounts)
    keys = tuple(name.lower().replace(" ", "-") for name in names)
    plan = rng.choice(len(flavour.plans), size=accounts, p=[plan.share for plan in flavour.plans])
    plan[: len(NAMED_ACCOUNTS)] = [2, 2, 1][:accounts]
    counts = _contact_counts(rng, plan, flavour)
    contacts = _contacts(rng, fate, keys, counts, days)
    return Cast(
        package=package,
        flavour=flavour,
        seed=seed,
        calendar=days,
        fate=fate,
        keys=keys,
        names=names,
        place=rng.integers(len(PLACES), size=accounts),
        industry=rng.integers(len(flavour.industries), size=accounts),
        plan=plan,
        sociable=rng.beta(1.6, 1.6, size=accounts),
        first_contact=np.cumsum(counts) - counts,
        contact_count=counts,
        contacts=contacts,
    )


def _account_names(rng: np.random.Generator, accounts: int) -> tuple[str, ...]:
    names = list(NAMED_ACCOUNTS[:accounts])
    pairs = rng.permutation(len(FIRST_PARTS) * len(SECOND_PARTS))
    for number in range(accounts - len(names)):
        pair = pairs[number % len(pairs)]
        again = number // len(pairs)
        name = f"{FIRST_PARTS[pair // len(SECOND_PARTS)]} {SECOND_PARTS[pair % len(SECOND_PARTS)]}"
        names.append(f"{name} {again + 1}" if again else name)
    return tuple(names)


def _contact_counts(rng: np.random.Generator, plan: Integers, flavour: Flavour) -> Integers:
    mean = np.array([0.0, 0.7, 1.2, 2.2])[plan] * (flavour.contacts - 1)
    counts = 1 + np.where(plan == 0, 0, 1 + rng.poisson(mean * rng.gamma(4, 0.25, size=len(plan))))
    counts[: len(NAMED_ACCOUNTS)] = [6, 6, 4][: len(plan)]
    return np.asarray(np.minimum(counts, 40), dtype=np.int64)


def _contacts(
    rng: np.random.Generator, fate: Fate, keys: tuple[str, ...], counts: Integers, days: Calendar
) -> Contacts:
    account = np.repeat(np.arange(len(keys)), counts)
    number = np.arange(len(account)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = rng.integers(len(FIRST_NAMES), size=len(account))
    last = rng.integers(len(LAST_NAMES), size=len(account))
    role = np.where(number < 2, number, rng.choice([2, 3, 4], size=len(account), p=[0.66, 0.22, 0.12]))
    zeal = 0.12 + 0.75 * rng.beta(1.7, 2.0, size=len(account))
    zeal = np.where(number == 0, np.maximum(zeal, 0.75), zeal)
    return Contacts(
        account=account,
        keys=tuple(f"{keys[a]}-{n + 1}" for a, n in zip(account.tolist(), number.tolist(), strict=True)),
        names=tuple(f"{FIRST_NAMES[f]} {LAST_NAMES[n]}" for f, n in zip(first.tolist(), last.tolist(), strict=True)),
        emails=tuple(
            f"{FIRST_NAMES[f]}.{LAST_NAMES[n]}.{c + 1}@{keys[a]}.example.com".lower()
            for f, n, c, a in zip(first.tolist(), last.tolist(), number.tolist(), account.tolist(), strict=True)
        ),
        role=role,
        zeal=np.where(role == 1, zeal * 0.4, zeal),
        joined=_joined(rng, fate, account, number, days),
        left=_left(rng, fate, account, number, days),
    )


def _joined(rng: np.random.Generator, fate: Fate, account: Integers, number: Integers, days: Calendar) -> Integers:
    """The first two are there from the start; later ones join over time, in growing accounts until the end."""
    start = fate.starts[account]
    growing = fate.archetype[account] == 0
    span = np.where(growing, days.days - start, np.maximum(20, (days.days - start) // 3))
    late = start + (rng.random(len(account)) * span * 0.95).astype(np.int64)
    return np.where(number < 2, start, late)


def _left(rng: np.random.Generator, fate: Fate, account: Integers, number: Integers, days: Calendar) -> Integers:
    """Contacts leave accounts that slide or churn, rarely others; the first one stays to the end."""
    falling = np.isin(fate.archetype[account], (2, 4))
    leaves = (rng.random(len(account)) < np.where(falling, 0.35, 0.06)) & (number > 0)
    last_days = days.days - rng.integers(5, 150, size=len(account))
    return np.where(leaves, np.maximum(last_days, fate.starts[account] + 90), NEVER)
