"""Answers to surveys, NPS, CSAT and CES alike, from any tool.

At the survey tool enter the address `https://<your Keepwell>/hooks/survey`. A tool that signs by Standard Webhooks
needs its secret, `whsec_…`, in the settings of the source and sends this body; `at` may also be seconds since 1970, and
everything but `id`, `at`, `score` and one of `account` and `contact` may be missing:

    {"type": "survey.answered", "id": "r-17", "at": "2026-03-01T10:00:00Z", "account": "harbour-lights",
     "contact": "ann@harbour-lights.example", "survey": "nps", "score": 9, "scale": 10, "comment": "…"}

It becomes `survey_answered` with the score, its scale, and `score_share`: 0 for the worst and 1 for the best answer of
the scale. NPS counts from 0 to 10, CSAT from 1 to 5, CES from 1 to 7; others from 1 to `scale`. `survey.sent` becomes
`survey_sent`. The comment becomes a tone.

The envelope of Delighted (`survey_response.created`, `survey_response.updated`) is understood too, with its own
signature; tick one of the two. There the account is `person_properties.account_id`, or where the setting `account`
points, and the contact is the person's address. A tool that cannot sign can send `Survey Answered` with a server key.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar, Final, Literal

from keepwell.connectors.connector import Connector, Delivery
from keepwell.connectors.hook_event import Value, hook_event, instant
from keepwell.connectors.kinds.standard_webhooks import check_standard
from keepwell.connectors.payload import Part
from keepwell.connectors.sentiment import COMPETITORS, told_at
from keepwell.connectors.signature import check_equal, digest, header
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import Inbound

_DELIGHTED: Final = "x-delighted-webhook-signature"
_SCALES: Final[Mapping[str, tuple[int, int]]] = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}


class Survey(Connector):
    kind: ClassVar[Literal["survey"]] = "survey"
    title: ClassVar[str] = "Surveys"
    free_text: ClassVar[frozenset[str]] = frozenset({"comment"})
    options: ClassVar[Mapping[str, str]] = {
        "survey": "nps, csat or ces, for a tool that does not say; nps without it.",
        "account": "Where the account is; account, or person_properties.account_id, without it.",
        "keep_text": "Keep what contacts write; without it only its tone and length.",
        "competitors": COMPETITORS,
    }

    def check(self, delivery: Delivery, secret: str, settings: Mapping[str, object]) -> None:
        if _DELIGHTED in delivery.headers:
            check_equal(header(delivery, _DELIGHTED), "sha256=" + digest(secret, delivery.body).hex())
        else:
            check_standard(delivery, secret)

    def events(self, item: Part, delivery: Delivery, settings: Mapping[str, object]) -> list[Inbound]:
        told = item.part("event_data")
        if told:
            return _delighted(item, told, delivery, settings)
        told = item.part("data") or item
        name = {"survey.answered": "survey_answered", "survey.sent": "survey_sent"}.get(item.words("type"))
        if name is None:
            return []
        survey = _survey(told, "survey", settings)
        answer = _answer(told, survey, settings) if name == "survey_answered" else {"survey": survey}
        event = hook_event(
            name,
            message_id=told.id("id") or item.id("id"),
            at=instant(told, "at") if "at" in told else instant(item, "timestamp"),
            account=told.id(_path(settings, "account")),
            contact=told.id("contact"),
            props=answer,
            known_at=delivery.known_at,
        )
        return [event]

    def message_id(self, item: Part, delivery: Delivery) -> str:
        return item.words("id") or item.words("data.id") or item.words("event_id")


def _delighted(item: Part, told: Part, delivery: Delivery, settings: Mapping[str, object]) -> list[Inbound]:
    if item.words("event_type") not in ("survey_response.created", "survey_response.updated"):
        return []
    event = hook_event(
        "survey_answered",
        message_id=item.id("event_id"),
        at=instant(told, "updated_at") if told.value("updated_at") else instant(told, "created_at"),
        account=told.id(_path(settings, "person_properties.account_id")),
        contact=told.id("person.email") or told.id("person.id"),
        props=_answer(told, _survey(told, "survey_type", settings), settings),
        known_at=delivery.known_at,
    )
    return [event]


def _path(settings: Mapping[str, object], usual: str) -> str:
    path = settings.get("account")
    return path if isinstance(path, str) and path else usual


def _survey(told: Part, path: str, settings: Mapping[str, object]) -> str:
    usual = settings.get("survey")
    return (told.text(path) or (usual if isinstance(usual, str) and usual else "nps")).lower()


def _answer(told: Part, survey: str, settings: Mapping[str, object]) -> dict[str, Value]:
    score = told.decimal("score")
    if score is None:
        raise RefusedError("score_missing", "The answer has no score.")
    lowest, usual = _SCALES.get(survey, (1, 0))
    scale = told.decimal("scale") or usual
    if scale <= lowest:
        raise RefusedError(
            "scale_missing", f"The survey {survey!r} has no known scale; send the highest score as `scale`."
        )
    if not lowest <= score <= scale:
        raise RefusedError("score_out_of_range", f"The score is {score}; expected {lowest} to {scale}.")
    return {
        "survey": survey,
        "score": score,
        "scale": Fraction(scale),
        "score_share": (Fraction(score) - lowest) / (Fraction(scale) - lowest),
        **told_at(told, "comment", settings),
    }
