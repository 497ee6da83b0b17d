"""How accounts and contacts come, are set up and go: traits, people and onboarding."""

import numpy as np

from keepwell.simulator.batch import Batch, Properties, Words, no_contact
from keepwell.simulator.cast import ROLES, Cast
from keepwell.simulator.name_part import PLACES
from keepwell.simulator.sampling import any_moment, office_moment
from keepwell.simulator.stage import Floats, Integers

STEPS = ("workspace", "colleagues", "data", "first_result", "integration", "routine")


def lifecycle_batches(cast: Cast) -> list[Batch]:
    return [*_accounts(cast), *_people(cast), *_onboarding(cast)]


def _morning(cast: Cast, account: Integers, day: Integers, hour: float) -> Integers:
    return any_moment(cast, day, hour - cast.offset_hours(account))


def _accounts(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("accounts")
    account = np.arange(cast.accounts)
    starts = cast.fate.starts
    employees = np.round(cast.contact_count * rng.lognormal(2.2, 0.8, size=cast.accounts)) + 1
    zones = Words([place[1] for place in PLACES], cast.place)
    traits: Properties = {
        "name": Words(cast.names, account),
        "industry": Words(cast.flavour.industries, cast.industry),
        "country": Words([place[0] for place in PLACES], cast.place),
        "employees": employees,
        "time_zone": zones,
    }
    created = Batch(
        "account_created",
        account,
        no_contact(account),
        _morning(cast, account, starts, 8.0),
        {"name": Words(cast.names, account)},
    )
    told = Batch("account_updated", account, no_contact(account), _morning(cast, account, starts, 8.1), traits)
    # Early in the history every account tells its size once more.
    early = np.full(cast.accounts, cast.calendar.days // 8)
    again = Batch(
        "account_updated", account, no_contact(account), _morning(cast, account, early, 9.0), {"employees": employees}
    ).where((starts < early) & (early < cast.fate.ends))
    # Accounts that grow hire, and their new size is told in the middle of the history.
    day = np.full(cast.accounts, cast.calendar.days // 2)
    grown = Batch(
        "account_updated",
        account,
        no_contact(account),
        _morning(cast, account, day, 9.0),
        {"employees": np.round(employees * rng.uniform(1.1, 1.6, size=cast.accounts))},
    ).where((cast.fate.archetype == 0) & (starts < day))
    return [created, told, again, grown]


def _people(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("people")
    people = cast.contacts
    contact = np.arange(len(people.keys))
    account = people.account
    role = Words(ROLES, people.role)
    at = _morning(cast, account, people.joined, 8.3)
    traits: Properties = {
        "name": Words(people.names, contact),
        "email": Words(people.emails, contact),
        "role": role,
        "time_zone": Words([place[1] for place in PLACES], cast.place[account]),
        "executive": people.role == 1,
    }
    first = cast.first_contact[account]
    from_start = people.joined <= cast.fate.starts[account]
    invited_at = office_moment(rng, cast, account, people.joined - rng.integers(1, 6, size=len(contact)))
    how = Words(["organic", "invited"], (contact != first).astype(np.int64))
    present = people.joined < cast.fate.ends[account]
    return [
        Batch("account_added_user", account, contact, at, {"role": role}).where(present),
        Batch("contact_updated", account, contact, at + 1_000_000, traits).where(present),
        Batch("signed_up", account, contact, at + 90_000_000, {"how": how}).where(present),
        Batch("invite_sent", account, first, invited_at, {"role": role}).where(present & ~from_start),
        Batch(
            "account_removed_user",
            account,
            contact,
            office_moment(rng, cast, account, np.minimum(people.left, cast.calendar.days + 1)),
            {"role": role},
        ).where(present & (people.left < cast.calendar.days)),
    ]


def steps_done(cast: Cast, luck: Floats) -> Integers:
    """How many steps each account gets through: all when it was well in its first weeks, fewer when it was not."""
    first_days = np.clip(cast.fate.starts, 0, cast.calendar.days - 1)
    early = cast.fate.health[np.arange(cast.accounts), first_days]
    return np.clip(np.floor(len(STEPS) * (0.25 + 0.85 * early + 0.35 * luck)), 1, len(STEPS)).astype(np.int64)


def _onboarding(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("onboarding")
    done = steps_done(cast, rng.random(cast.accounts))
    pace = rng.integers(1, 6, size=cast.accounts)
    account = np.repeat(np.arange(cast.accounts), done)
    step = np.arange(len(account)) - np.repeat(np.cumsum(done) - done, done)
    day = cast.fate.starts[account] + 1 + step * pace[account]
    at = office_moment(rng, cast, account, day)
    share = (step + 1) / len(STEPS)
    first = cast.first_contact[account]
    everybody = np.arange(cast.accounts)
    return [
        Batch(
            "onboarding_started",
            everybody,
            cast.first_contact,
            _morning(cast, everybody, cast.fate.starts, 9.0),
            {"onboarding_share": np.zeros(cast.accounts)},
        ),
        Batch("onboarding_step_completed", account, first, at, {"step": Words(STEPS, step), "onboarding_share": share}),
        Batch("onboarding_completed", account, first, at + 60_000_000, {"onboarding_share": share}).where(
            step + 1 == len(STEPS)
        ),
    ]
