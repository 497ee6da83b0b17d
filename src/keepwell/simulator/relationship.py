"""Learning, community, wishes, and what goes to and fro between us and the contacts."""

import numpy as np

from keepwell.simulator.batch import Batch, Properties, Property, Words
from keepwell.simulator.cast import Cast
from keepwell.simulator.sampling import chance, executive, office_moment, poisson_days, some_contact, tone
from keepwell.simulator.stage import DAY, Floats, Integers, week
from keepwell.simulator.usage import INTEGRATIONS

CHANNELS = ("email", "in_app", "phone")
COURSES = ("first_steps", "reporting", "automation", "security")
PLACES_TO_POST = ("forum", "chat", "event")
PAGES = ("getting-started", "integrations", "api", "billing", "reports", "security")
COMPETITORS = ("rival-one", "rival-two")


def relationship_batches(cast: Cast) -> list[Batch]:
    return [*_learning(cast), *_wishes(cast), *_meetings(cast), *_touches(cast), *_advocacy(cast)]


def _happening(cast: Cast, rng: np.random.Generator, event: str, rate: Floats) -> Batch:
    """Events of a daily rate per account, each by some contact in office hours."""
    account, day = poisson_days(rng, rate)
    return Batch(event, account, some_contact(rng, cast, account, day), office_moment(rng, cast, account, day))


def _with(batch: Batch, **properties: Property) -> Batch:
    return Batch(batch.event, batch.account, batch.contact, batch.at, properties)


def _any_word(rng: np.random.Generator, words: tuple[str, ...], count: int) -> Words:
    return Words(words, rng.integers(len(words), size=count))


def _learning(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("learning")
    size = np.sqrt(cast.contact_count)[:, None]
    activity = cast.activity() * size * week(cast.calendar, 0.15)
    docs = _happening(cast, rng, "docs_viewed", 0.11 * activity)
    lessons = _happening(cast, rng, "lesson_completed", 0.012 * activity)
    webinars = _happening(cast, rng, "webinar_attended", 0.006 * activity)
    posts = _happening(cast, rng, "community_posted", 0.045 * activity**1.3 * cast.sociable[:, None])
    return [
        _with(docs, page=_any_word(rng, PAGES, len(docs.at))),
        _with(lessons, course=_any_word(rng, COURSES, len(lessons.at))),
        _with(webinars, course=_any_word(rng, COURSES, len(webinars.at))),
        _with(posts, place=Words(PLACES_TO_POST, rng.choice(3, size=len(posts.at), p=[0.6, 0.3, 0.1]))),
    ]


def _wishes(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("wishes")
    size = np.sqrt(cast.contact_count)[:, None]
    activity = cast.activity() * week(cast.calendar, 0.1)
    asked = _happening(cast, rng, "feature_requested", 0.012 * size * activity**1.4)
    features = tuple(feature.name for feature in cast.flavour.features)
    links = _happening(cast, rng, "integration_requested", 0.002 * size * activity)
    unhappy: Floats = np.where(cast.activity() > 0, np.maximum(0.55 - cast.activity(), 0.0), 0.0)
    rivals = _happening(cast, rng, "competitor_mentioned", 0.015 * unhappy)
    return [
        _with(
            asked,
            feature=_any_word(rng, features, len(asked.at)),
            in_higher_plan=chance(rng, np.full(len(asked.at), 0.3)),
        ),
        _with(links, integration=_any_word(rng, INTEGRATIONS, len(links.at))),
        _with(
            rivals,
            competitor=_any_word(rng, COMPETITORS, len(rivals.at)),
            channel=_any_word(rng, CHANNELS, len(rivals.at)),
        ),
    ]


def _meetings(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("meetings")
    pace = np.array([0.004, 0.014, 0.028, 0.05])[cast.plan][:, None]
    held = _happening(
        cast, rng, "meeting_held", pace * (0.25 + cast.activity()) * (cast.activity() > 0) * week(cast.calendar, 0)
    )
    with_executive = chance(rng, np.full(len(held.at), 0.3))
    contact = np.where(with_executive, executive(cast, held.account), held.contact)
    minutes = rng.choice([15, 30, 45, 60], size=len(held.at))
    told: Properties = {"with_executive": with_executive, "minutes": minutes}
    return [Batch(held.event, held.account, contact, held.at, told)]


def _touches(cast: Cast) -> list[Batch]:
    """We write about once in three weeks; healthy accounts answer more often, and sooner."""
    rng = cast.random_stream("touches")
    alive = cast.activity() > 0
    size = np.array([0.5, 0.9, 1.1, 1.4])[cast.plan][:, None]
    sent = _happening(cast, rng, "touch_sent", 0.05 * size * alive * week(cast.calendar, 0))
    day: Integers = np.clip((sent.at - cast.calendar.first_day) // DAY, 0, cast.calendar.days - 1)
    health = cast.fate.health[sent.account, day]
    channel = {"channel": Words(CHANNELS, rng.choice(3, size=len(sent.at), p=[0.75, 0.15, 0.1]))}
    wait = (rng.exponential(0.6 + 2.2 * (1 - health)) * DAY).astype(np.int64) + DAY // 48
    sent = _with(sent, **channel)
    reply = Batch(
        "message_replied", sent.account, sent.contact, sent.at + wait, {**channel, "sentiment": tone(rng, health)}
    ).where(chance(rng, 0.05 + 0.5 * health))
    clicked = Batch("link_clicked", sent.account, sent.contact, sent.at + wait // 3, channel)
    first = _happening(cast, rng, "message_received", 0.016 * size * cast.activity() * week(cast.calendar, 0.2))
    first_day = np.clip((first.at - cast.calendar.first_day) // DAY, 0, cast.calendar.days - 1)
    heard = _with(
        first,
        channel=_any_word(rng, CHANNELS, len(first.at)),
        sentiment=tone(rng, cast.fate.health[first.account, first_day]),
    )
    return [sent, reply, clicked.where(chance(rng, 0.06 + 0.2 * health)), heard]


def _advocacy(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("advocacy")
    praise = np.maximum(cast.activity() - 0.5, 0) * (0.3 + cast.sociable[:, None])
    asked = _happening(cast, rng, "reference_answered", np.where(cast.activity() > 0, 0.004, 0.0))
    day = np.clip((asked.at - cast.calendar.first_day) // DAY, 0, cast.calendar.days - 1)
    agreed = _happening(cast, rng, "case_study_agreed", 0.003 * praise)
    published = Batch("case_study_published", agreed.account, agreed.contact, agreed.at + 45 * DAY)
    return [
        _happening(cast, rng, "referral_made", 0.011 * praise),
        _with(asked, willing=chance(rng, cast.fate.health[asked.account, day] ** 1.3)),
        agreed,
        published.where(chance(rng, np.full(len(agreed.at), 0.6))),
    ]
