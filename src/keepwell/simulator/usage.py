"""Use of the product: sign-ins, sessions, features, metered use, API and integrations."""

import numpy as np

from keepwell.simulator.batch import Batch, Properties, Words, no_contact
from keepwell.simulator.cast import Cast
from keepwell.simulator.sampling import any_moment, chance, office_moment, poisson_days, some_contact
from keepwell.simulator.stage import SECOND, Floats, Integers, season, week

INTEGRATIONS = ("calendar", "chat", "crm", "storage", "warehouse")
SURFACES = ("web", "mobile", "api")
MINUTE = 60 * SECOND


def usage_batches(cast: Cast, subscription_limits: Floats, units: Floats) -> list[Batch]:
    """`units` is each account's metered units per use of a feature; limits have a row per account, a column per day."""
    contact, day = _active_days(cast)
    sessions = _sessions(cast, contact, day)
    features = _features(cast, contact, day, sessions[0])
    metered, overage = _metered(cast, features, subscription_limits, units)
    return [*sessions, features, metered, overage, _api(cast), *_integrations(cast)]


def _active_days(cast: Cast) -> tuple[Integers, Integers]:
    """Contact and day of every day on which a contact used the product."""
    rng = cast.random_stream("active days")
    rhythm = season(cast.calendar) * week(cast.calendar, cast.flavour.weekend)
    people = cast.contacts
    day = np.arange(cast.calendar.days)
    here = (day >= people.joined[:, None]) & (day < people.left[:, None])
    probability = people.zeal[:, None] * cast.activity()[people.account] ** 1.25 * rhythm * here
    contact, active = np.nonzero(rng.random(probability.shape) < np.minimum(probability, 0.98))
    return contact, active


def _sessions(cast: Cast, contact: Integers, day: Integers) -> list[Batch]:
    rng = cast.random_stream("sessions")
    account = cast.contacts.account[contact]
    health = cast.fate.health[account, day]
    begins = office_moment(rng, cast, account, day)
    minutes = np.round(rng.gamma(3.0, (4 + 10 * health) / 3.0) + 1)
    surface = rng.choice(len(SURFACES), size=len(contact), p=[0.72, 0.2, 0.08])
    signed_in = Batch("signed_in", account, contact, begins, {"surface": Words(SURFACES, surface)})
    ended = Batch(
        "session_ended",
        account,
        contact,
        begins + (minutes * MINUTE).astype(np.int64),
        {"session_minutes": minutes, "actions": 1 + rng.poisson(minutes * (0.5 + 0.6 * health))},
    )
    return [signed_in, ended.where(chance(rng, np.full(len(contact), 0.7)))]


def features_known(cast: Cast) -> Integers:
    """How many of its plan's features each account uses on each day: more with time, fewer in bad health."""
    rng = cast.random_stream("features known")
    in_plan = np.array([plan.features for plan in cast.flavour.plans])[cast.plan]
    age = np.arange(cast.calendar.days) - cast.fate.starts[:, None]
    learned = 0.3 + 0.7 * (1 - np.exp(-np.maximum(age, 0) / rng.uniform(40, 220, size=(cast.accounts, 1))))
    share = learned * (0.25 + 0.75 * cast.fate.health)
    known: Integers = np.clip(np.rint(in_plan[:, None] * share), 1, in_plan[:, None]).astype(np.int64)
    return known


def _features(cast: Cast, contact: Integers, day: Integers, signed_in: Batch) -> Batch:
    rng = cast.random_stream("features")
    account = cast.contacts.account[contact]
    uses = 1 + rng.poisson(0.4 + 1.3 * cast.fate.health[account, day])
    which = np.repeat(np.arange(len(contact)), uses)
    known = features_known(cast)[account[which], day[which]]
    feature = (known * rng.random(len(which)) ** 1.35).astype(np.int64)
    later = rng.integers(20 * SECOND, 9 * MINUTE, size=len(which))
    offered = cast.flavour.features
    return Batch(
        "feature_used",
        account[which],
        contact[which],
        signed_in.at[which] + later,
        {
            "feature": Words([one.name for one in offered], feature),
            "core": np.array([one.core for one in offered])[feature],
            "advanced": np.array([one.advanced for one in offered])[feature],
        },
    )


def _metered(cast: Cast, features: Batch, limits: Floats, units: Floats) -> tuple[Batch, Batch]:
    """Metered use at the end of each day with any, and a charge for each 30 days above the limit."""
    day = (features.at - cast.calendar.first_day) // (24 * 60 * MINUTE)
    inside = day < cast.calendar.days
    used = np.zeros((cast.accounts, cast.calendar.days))
    np.add.at(used, (features.account[inside], day[inside]), 1.0)
    used *= np.round(units)[:, None]
    account, on = np.nonzero(used)
    end_of_day = any_moment(cast, on, np.full(len(on), 23.9))
    metered = Batch("usage_recorded", account, no_contact(account), end_of_day, {"usage_units": used[account, on]})
    month_ends = np.arange(29, cast.calendar.days, 30)
    total = np.add.reduceat(used, np.arange(0, cast.calendar.days, 30), axis=1)[:, : len(month_ends)]
    excess = total - limits[:, month_ends]
    account, month = np.nonzero(excess > 0)
    over = excess[account, month]
    charged: Properties = {
        "usage_units": np.round(over),
        "amount": np.round(over * 0.05, 2),
        "currency": Words(["USD"], np.zeros(len(account), dtype=np.int64)),
    }
    at = any_moment(cast, month_ends[month], np.full(len(month), 23.95))
    return metered, Batch("overage_charged", account, no_contact(account), at, charged)


def api_calls_a_day(cast: Cast) -> Floats:
    """Usual API calls a day of each account; 0 where the plan has no API or nobody develops."""
    rng = cast.random_stream("API habit")
    has_api = np.array([plan.has_api for plan in cast.flavour.plans])[cast.plan]
    develops = has_api & (rng.random(cast.accounts) < 0.75)
    return np.where(develops, np.round(rng.lognormal(6.2, 0.9, size=cast.accounts)), 0.0)


def _api(cast: Cast) -> Batch:
    rng = cast.random_stream("API")
    rate = api_calls_a_day(cast)[:, None] * cast.activity() ** 1.2 * week(cast.calendar, 0.6)
    calls = rng.poisson(rate)
    account, day = np.nonzero(calls)
    made = calls[account, day]
    trouble = 0.004 + 0.06 * (1 - cast.fate.health[account, day]) ** 2
    at = any_moment(cast, day, np.full(len(day), 23.8))
    return Batch("api_called", account, no_contact(account), at, {"calls": made, "errors": rng.binomial(made, trouble)})


def _integrations(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("integrations")
    offered = len(INTEGRATIONS)
    wanted = rng.random((cast.accounts, offered)) < np.array([0.1, 0.3, 0.5, 0.65])[cast.plan][:, None]
    account, which = np.nonzero(wanted)
    from_day = np.maximum(cast.fate.starts[account], 0) + rng.integers(1, 120, size=len(account))
    connected = Batch(
        "integration_connected",
        account,
        some_contact(rng, cast, account, from_day),
        office_moment(rng, cast, account, from_day),
        {"integration": Words(INTEGRATIONS, which)},
    ).where(cast.fate.ends[account] > from_day)
    running = np.arange(cast.calendar.days) > from_day[:, None]
    link, day = poisson_days(rng, 0.3 * cast.activity()[account] * week(cast.calendar, 0.4) * running)
    used = Batch(
        "integration_used",
        account[link],
        no_contact(link),
        office_moment(rng, cast, account[link], day),
        {"integration": Words(INTEGRATIONS, which[link])},
    )
    return [connected, used]
