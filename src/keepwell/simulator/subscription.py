"""Plans, their limits and what is paid: starts, upgrades, downgrades, renewals, ends, add-ons."""

from dataclasses import dataclass

import numpy as np

from keepwell.simulator.archetype import NEVER
from keepwell.simulator.batch import Batch, Properties, Words, no_contact
from keepwell.simulator.cast import Cast
from keepwell.simulator.sampling import any_moment, chance, poisson_days
from keepwell.simulator.stage import Floats, Integers
from keepwell.simulator.usage import api_calls_a_day

CHANGES = ("new", "upgrade", "downgrade", "renewal", "cancelled")
STATUSES = ("active", "cancelled")
ADDONS = ("support", "storage", "analytics", "training")
YEAR = 365


@dataclass(frozen=True, slots=True)
class Terms:
    """What each account pays for: its size at the start and the days on which it grows or shrinks (NEVER if not)."""

    units: Floats
    usage_limit: Floats
    seats: Floats
    upgrade: Integers
    downgrade: Integers
    addons: Integers

    def size(self, day: Integers) -> Floats:
        """Factor of seats and limits on a day, a row per account."""
        grown = np.where(day >= self.upgrade[:, None], 1.5, 1.0)
        return np.asarray(np.where(day >= self.downgrade[:, None], grown * 0.7, grown), dtype=np.float64)


def terms_of(cast: Cast) -> Terms:
    rng = cast.random_stream("terms")
    accounts, days = cast.accounts, cast.calendar.days
    units = np.round(rng.lognormal(1.4, 0.6, size=accounts)) + 1
    # Uses of features in 30 days at good health: working days, activity of the contacts, uses a day.
    zeal = np.bincount(cast.contacts.account, weights=cast.contacts.zeal, minlength=accounts)
    usual = zeal * units * 2.4 * (0.75 * 30 if cast.flavour.weekend < 0.3 else 0.85 * 30) * 0.75
    limit = usual / rng.uniform(0.5, 0.95, size=accounts)
    magnitude = 10.0 ** np.floor(np.log10(limit) - 1)
    growing = cast.fate.archetype == 0
    falling = np.isin(cast.fate.archetype, (2, 4))
    start = np.maximum(cast.fate.starts, 0)
    change_day = start + (rng.uniform(0.4, 0.95, size=accounts) * (days - start)).astype(np.int64)
    upgrades = chance(rng, np.where(growing, 0.6, 0.08) * ~falling)
    downgrades = chance(rng, np.where(falling, 0.3, 0.02)) & ~upgrades
    return Terms(
        units=units,
        usage_limit=np.ceil(limit / magnitude) * magnitude,
        seats=np.ceil(cast.contact_count / rng.uniform(0.75, 1.3, size=accounts)),
        upgrade=np.where(upgrades, change_day, NEVER),
        downgrade=np.where(downgrades, change_day, NEVER),
        addons=rng.binomial(3, np.where(growing, 0.4, 0.15)),
    )


def limits_by_day(cast: Cast, terms: Terms) -> Floats:
    return terms.usage_limit[:, None] * terms.size(np.arange(cast.calendar.days))


def mrr(cast: Cast, terms: Terms, account: Integers, day: Integers) -> Floats:
    """Monthly price in dollars of each account on its day."""
    plans = cast.flavour.plans
    base = np.array([plan.price for plan in plans])[cast.plan[account]]
    seat = np.array([plan.seat_price for plan in plans])[cast.plan[account]]
    seats = _seats(terms, account, day)
    return np.round(base + seat * seats, 2)


def _seats(terms: Terms, account: Integers, day: Integers) -> Floats:
    grown = np.where(day >= terms.upgrade[account], 1.5, 1.0)
    return np.ceil(terms.seats[account] * np.where(day >= terms.downgrade[account], grown * 0.7, grown))


def subscription_batches(cast: Cast, terms: Terms) -> list[Batch]:
    account, day, change = _changes(cast, terms)
    plans = cast.flavour.plans
    plan = cast.plan[account]
    seats = _seats(terms, account, day)
    features = np.array([one.features for one in plans])
    size = seats / terms.seats[account]
    ended = change == CHANGES.index("cancelled")
    year = (day - cast.fate.starts[account]) // YEAR + 1
    renewal_day = cast.fate.starts[account] + year * YEAR
    api_limit = np.round(api_calls_a_day(cast)[account] * 40, -2)
    properties: Properties = {
        "change": Words(CHANGES, change),
        "status": Words(STATUSES, ended.astype(np.int64)),
        "plan": Words([one.name for one in plans], plan),
        "mrr": np.where(ended, 0.0, mrr(cast, terms, account, day)),
        "currency": Words(["USD"], np.zeros(len(account), dtype=np.int64)),
        "seats": seats,
        "team_seats": np.where(plan == 0, 0.0, seats),
        "usage_limit": np.round(terms.usage_limit[account] * size),
        "api_limit": api_limit,
        "features_in_plan": features[plan],
        "advanced_features_in_plan": np.array([cast.flavour.advanced_in(n) for n in features])[plan],
        "addons": np.where(change == 0, 0, terms.addons[account]),
        "renewal_at": cast.calendar.day_start(renewal_day) // 1_000_000,
        "ending": ended,
    }
    at = any_moment(cast, day, np.full(len(account), 7.5))
    changed = Batch("subscription_changed", account, no_contact(account), at, properties)
    return [changed, *_addons(cast, terms), *_talks(cast)]


def _changes(cast: Cast, terms: Terms) -> tuple[Integers, Integers, Integers]:
    """Account, day and change (an index of CHANGES) of every change of a subscription up to the end."""
    everybody = np.arange(cast.accounts)
    rows = [(everybody, cast.fate.starts, 0), (everybody, terms.upgrade, 1), (everybody, terms.downgrade, 2)]
    rows += [(everybody, cast.fate.starts + year * YEAR, 3) for year in range(1, 5)]
    rows.append((everybody, cast.fate.ends, 4))
    account = np.concatenate([row[0] for row in rows])
    day = np.concatenate([row[1] for row in rows])
    change = np.concatenate([np.full(cast.accounts, row[2]) for row in rows])
    happened = (day < cast.calendar.days) & (day <= cast.fate.ends[account])
    return account[happened], day[happened], change[happened]


def _addons(cast: Cast, terms: Terms) -> list[Batch]:
    rng = cast.random_stream("add-ons")
    account = np.repeat(np.arange(cast.accounts), terms.addons)
    number = np.arange(len(account)) - np.repeat(np.cumsum(terms.addons) - terms.addons, terms.addons)
    day = cast.fate.starts[account] + 20 + number * 45
    taken = Batch(
        "addon_changed",
        account,
        no_contact(account),
        any_moment(cast, day, rng.uniform(9, 17, size=len(day))),
        {"addon": Words(ADDONS, number), "active": np.ones(len(account), dtype=np.bool_), "addons": number + 1},
    )
    return [taken.where(day < np.minimum(cast.fate.ends[account], cast.calendar.days))]


def _talks(cast: Cast) -> list[Batch]:
    """Talks about more, mostly with accounts that do well, and estimates of the renewal, one a month."""
    rng = cast.random_stream("talks")
    activity = cast.activity()
    account, day = poisson_days(rng, 0.012 * np.maximum(activity - 0.55, 0) ** 1.2)
    at = any_moment(cast, day, rng.uniform(9, 17, size=len(day)))
    amount = np.round(rng.lognormal(5.5, 0.7, size=len(day)), -1)
    usd = Words(["USD"], np.zeros(len(account), dtype=np.int64))
    discussed = Batch("expansion_discussed", account, no_contact(account), at, {"amount": amount, "currency": usd})
    account, month = np.nonzero(activity[:, ::30] > 0)
    day = np.minimum(month * 30 + account % 30, cast.calendar.days - 1)
    odds = 4.5 * (cast.fate.health[account, day] - 0.3) + rng.normal(0, 0.6, size=len(day))
    estimated = Batch(
        "renewal_estimated",
        account,
        no_contact(account),
        any_moment(cast, day, np.full(len(day), 6.0)),
        {"renewal_probability": 1 / (1 + np.exp(-odds))},
    )
    return [discussed, estimated]
