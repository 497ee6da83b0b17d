"""Drawing events: how many on which day, by whom and at what time of day."""

import numpy as np

from keepwell.simulator.cast import Cast
from keepwell.simulator.stage import HOUR, Booleans, Floats, Integers


def poisson_days(rng: np.random.Generator, rate: Floats) -> tuple[Integers, Integers]:
    """Row and column of each of the events of a matrix of expected counts."""
    counts = rng.poisson(rate)
    row, column = np.nonzero(counts)
    times = counts[row, column]
    return np.repeat(row, times), np.repeat(column, times)


def office_moment(rng: np.random.Generator, cast: Cast, account: Integers, day: Integers) -> Integers:
    """An instant of that day around the middle of the account's working day."""
    local_hour = np.clip(rng.normal(13.2, 2.6, size=len(account)), 6.5, 21.5)
    return any_moment(cast, day, local_hour - cast.offset_hours(account))


def any_moment(cast: Cast, day: Integers, hour: Floats) -> Integers:
    moment: Integers = cast.calendar.day_start(day) + (hour * HOUR).astype(np.int64)
    return moment


def some_contact(rng: np.random.Generator, cast: Cast, account: Integers, day: Integers) -> Integers:
    """A contact of each account, the first ones more often; the first one where the drawn one is not there that day."""
    place = (cast.contact_count[account] * rng.random(len(account)) ** 1.5).astype(np.int64)
    contact = cast.first_contact[account] + place
    present = (cast.contacts.joined[contact] <= day) & (cast.contacts.left[contact] > day)
    return np.where(present, contact, cast.first_contact[account])


def executive(cast: Cast, account: Integers) -> Integers:
    """The second contact decides on the contract; an account of one person decides by that person."""
    return cast.first_contact[account] + np.minimum(1, cast.contact_count[account] - 1)


def chance(rng: np.random.Generator, probability: Floats) -> Booleans:
    """True with each one's probability."""
    drawn: Booleans = rng.random(len(probability)) < probability
    return drawn


def tone(rng: np.random.Generator, health: Floats) -> Floats:
    """Tone of words between -1 and 1, the better the healthier."""
    return np.clip(rng.normal(-0.75 + 1.25 * health, 0.25), -1.0, 1.0)
