"""The fields that a template may show: what each is, and a sample for previews.

Fields of `usage` come from the package, which knows what its product measures. All others are the same everywhere.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from keepwell.base.errors import nearest

# `texts` is a list of text; `records` a list of things with fields of their own.
FieldType = Literal["text", "number", "share", "date", "texts", "records"]
Value = str | int | float | Decimal | Sequence[str] | Sequence[Mapping[str, str]]
Record = Mapping[str, Value]
# What a template is shown: the fields by the name before the point; `reasons` is a list by itself.
Context = Mapping[str, Record | Sequence[Mapping[str, str]]]

# Bounds of what is rendered; with one level of `for` they bound its time too.
MOST_ENTRIES: Final = 20
LONGEST_TEXT: Final = 1000
LONGEST_LIST: Final = 4000

ROOTS: Final = ("contact", "account", "score", "reasons", "usage", "offer", "csm", "product")
REASONS: Final = "reasons"
USAGE: Final = "usage"


@dataclass(frozen=True, slots=True)
class TemplateField:
    """`sample` is what a preview shows; a date is text such as 2027-03-01, a share lies between 0 and 1."""

    type: FieldType
    about: str
    sample: Value

    def accepts(self, value: object) -> bool:
        """Whether a value is of the type and within the bounds; True and False are no numbers."""
        if self.type in ("number", "share"):
            return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value)
        if self.type == "text":
            return _is_text(value)
        if self.type == "date":
            return isinstance(value, str) and _is_date(value)
        if not isinstance(value, list | tuple) or len(value) > MOST_ENTRIES:
            return False
        if self.type == "texts":
            return _are_texts(value)
        return all(isinstance(one, Mapping) for one in value) and _are_texts(
            [text for one in value for text in one.values()]
        )

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        text = f"text of at most {LONGEST_TEXT} characters"
        return {
            "text": text,
            "date": "a date such as 2027-03-01",
            "number": "a finite number",
            "share": "a finite number, 1 being all",
            "texts": f"a list of at most {MOST_ENTRIES} entries, each {text}, {LONGEST_LIST} together",
            "records": f"a list of at most {MOST_ENTRIES} records, whose values are {text}, {LONGEST_LIST} together",
        }[self.type]


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _are_texts(values: Sequence[object]) -> bool:
    return all(map(_is_text, values)) and sum(len(str(one)) for one in values) <= LONGEST_LIST


def _text(about: str, sample: str) -> TemplateField:
    return TemplateField("text", about, sample)


OFFER_FIELDS: Final[Mapping[str, TemplateField]] = {
    "title": _text("What the offer is called.", "a pause of your payments"),
    "minutes": TemplateField("number", "How long a call or session takes, in minutes.", 30),
    "days": TemplateField("number", "How long it holds or lasts, in days.", 30),
    "months": TemplateField("number", "How long it lasts, in months.", 3),
    "discount": TemplateField("share", "What comes off the price.", 0.5),
    "plan": _text("The plan that is offered.", "Business"),
    "price": TemplateField("number", "The price, in the offer's currency.", Decimal("65")),
    "currency": _text("Three letters.", "USD"),
    "expires_on": TemplateField("date", "The last day on which it can be taken; Keepwell ends it then.", "2027-01-15"),
}

SHARED: Final[Mapping[str, Mapping[str, TemplateField]]] = {
    "contact": {
        "first_name": _text("First name of whoever gets the message.", "Ada"),
        "name": _text("Full name.", "Ada Example"),
        "job_title": _text("What the contact does at the account.", "Head of Operations"),
    },
    "account": {
        "name": _text("Name of the account.", "Acme"),
        "industry": _text("What it does.", "logistics"),
        "plan": _text("Title of its plan.", "Team"),
        "next_plan": _text("Title of the plan above.", "Business"),
        "seats": TemplateField("number", "Seats that the contract pays for.", 20),
        "currency": _text("Three letters.", "USD"),
        "renewal_on": TemplateField("date", "When the contract renews.", "2027-03-01"),
    },
    "score": {
        "value": TemplateField("number", "The health score, 0 to 100.", 37),
        "band": _text("Label of the band.", "AT RISK"),
        "trend": _text("improving, stable or declining.", "declining"),
        "change": TemplateField("number", "Points gained or lost in 30 days.", -12),
    },
    REASONS: {
        "title": _text("The measure that fell.", "Payment health"),
        "sentence": _text("What was seen, in words for the contact.", "The last payment did not go through."),
    },
    "offer": OFFER_FIELDS,
    "csm": {
        "name": _text("The member who owns the account.", "Sam Sample"),
        "first_name": _text("First name.", "Sam"),
        "title": _text("What the member is called.", "Customer Success Manager"),
        "email": _text("Mail address.", "sam@keepwell.example"),
        "phone": _text("Telephone number.", "+1 555 0100"),
    },
    "product": {"name": _text("Name of the product, from the settings.", "Harbour")},
}

_REASONS_FIELD: Final = TemplateField("records", "Why the score is what it is, the weightiest first.", ())


@dataclass(frozen=True, slots=True)
class FieldCatalogue:
    """All fields of a package, by the name before the point and the name behind it."""

    usage: Mapping[str, TemplateField]

    def of(self, root: str) -> Mapping[str, TemplateField]:
        return self.usage if root == USAGE else SHARED[root]

    def find(self, root: str, name: str) -> TemplateField | None:
        return None if root == REASONS else self.of(root).get(name)

    def list_of(self, root: str) -> TemplateField | None:
        """The field that a name without a point stands for; only `reasons` is one."""
        return _REASONS_FIELD if root == REASONS else None

    def unknown(self, root: str, name: str) -> str:
        """The sentence about a field that there is not."""
        known = tuple(self.of(root))
        hint = nearest(name, known) or (f" Known: {', '.join(known)}." if known else " It has no fields.")
        return f"'{root}' has no field '{name}'.{hint}"

    def sample(self, offer: Mapping[str, Value], product: str) -> Context:
        """What previews show: the sample of every field, and of the offer what the settings say of it.

        An offer has only the fields that its settings give it, and a last day. Without an offer there are none.
        """
        found: dict[str, Record | Sequence[Mapping[str, str]]] = {
            root: {name: field.sample for name, field in self.of(root).items()} for root in ROOTS if root != REASONS
        }
        found["offer"] = {**offer, "expires_on": OFFER_FIELDS["expires_on"].sample} if offer else {}
        found["product"] = {"name": product}
        found[REASONS] = [{name: str(field.sample) for name, field in SHARED[REASONS].items()}]
        return found
