"""`templates/settings.yaml`: what the templates of a package take from whoever uses them.

The product, who signs, where links lead, what offers consist of, which numbers of use there are.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, StrictBool, StrictStr, field_validator, model_validator

from keepwell.base.errors import nearest
from keepwell.base.registry import OneOf
from keepwell.base.shape import Exact, Name
from keepwell.metrics.metric import Metric
from keepwell.playbooks.field_source import FOLDER, FieldSource, SourcePackage
from keepwell.playbooks.product_text import Line, ProductText
from keepwell.playbooks.product_text import TextShape as _Shape
from keepwell.playbooks.template_field import OFFER_FIELDS, FieldCatalogue, FieldType, TemplateField, Value

LONGEST_LINK: Final = 500
# Only https, a plain host without a name before it, and nothing that would need escaping.
_LINK: Final = re.compile(
    r"https://[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9._~!$&()*+,;=:@%/?#-]*)?"
)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def _kind_alone(value: object) -> object:
    """A source without options may be written as its kind alone."""
    return {"kind": value} if isinstance(value, str) else value


Source = Annotated[FieldSource, OneOf(FOLDER, FieldSource), BeforeValidator(_kind_alone)]


class Product(_Shape):
    name: Line


class Signer(_Shape):
    """Who signs for a role. A mail in a person's name needs that person's approval before it is sent."""

    name: Line
    title: Line


class Link(_Shape):
    url: StrictStr
    about: StrictStr = ""

    @field_validator("url")
    @classmethod
    def _is_link(cls, url: str) -> str:
        if len(url) > LONGEST_LINK or _LINK.fullmatch(url) is None:
            raise ValueError(
                f"'url' must be a link such as https://app.example.com/path with at most {LONGEST_LINK} characters, "
                "beginning with https:// and without a user name, spaces or quotes"
            )
        return url


class UsageField(_Shape):
    """The value comes from a `metric` of the package or from a `source`; without either it is never known."""

    type: FieldType
    about: StrictStr
    sample: StrictStr | Exact | tuple[StrictStr, ...]
    metric: Name | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> "UsageField":
        if self.metric is not None and self.source is not None:
            raise ValueError("a field has either a 'metric' or a 'source'")
        if self.metric is not None and self.type not in ("number", "share"):
            raise ValueError(f"'type' must be number or share for a metric, not '{self.type}'")
        if self.source is not None and self.type not in self.source.gives:
            expected = " or ".join(self.source.gives)
            raise ValueError(f"'type' must be {expected} for the source '{self.source.kind}', not '{self.type}'")
        return self

    @model_validator(mode="after")
    def _sample_fits(self) -> "UsageField":
        if self.type == "records":
            raise ValueError("'type' must be text, number, share, date or texts, not 'records'")
        field = self.as_field()
        if not field.accepts(self.sample):
            raise ValueError(f"'sample' must be {field.expected}, because the type is {self.type}")
        return self

    def as_field(self) -> TemplateField:
        return TemplateField(self.type, self.about, self.sample)


class OfferText(_Shape):
    """What templates may say of an offer: fields of `offer` with their values."""

    title: Line
    minutes: Annotated[int, Field(gt=0, strict=True)] | None = None
    days: Annotated[int, Field(gt=0, strict=True)] | None = None
    months: Annotated[int, Field(gt=0, strict=True)] | None = None
    discount: Annotated[Exact, Field(gt=0, le=1)] | None = None
    plan: Line | None = None
    price: Annotated[Exact, Field(ge=0, decimal_places=2)] | None = None
    currency: Line | None = None

    @model_validator(mode="after")
    def _price_has_currency(self) -> "OfferText":
        if (self.price is None) != (self.currency is None):
            raise ValueError("a price and its 'currency' go together")
        if self.currency is not None and _CURRENCY.fullmatch(self.currency) is None:
            raise ValueError("'currency' must be three capital letters such as USD")
        return self

    def fields(self) -> dict[str, Value]:
        values = {name: getattr(self, name, None) for name in OFFER_FIELDS}
        return {name: value for name, value in values.items() if isinstance(value, str | int | Decimal)}


class TemplateSettings(ProductText):
    """`is_example` says that product, people and links are made up, so that nothing may be sent with them.

    `terms` are names that hold a digit, such as 'SOC 2'; they may stand in a text, while facts may not. `contact_roles`
    are roles of contacts: messages go to whoever has the first of them.
    """

    is_example: StrictBool = False
    product: Product
    roles: Mapping[Name, Signer] = Field(default_factory=dict)
    links: Mapping[Name, Link] = Field(default_factory=dict)
    usage: Mapping[Name, UsageField] = Field(default_factory=dict)
    offers: Mapping[Name, OfferText] = Field(default_factory=dict)
    terms: Sequence[Line] = ()
    contact_roles: Sequence[Line] = ()

    def catalogue(self) -> FieldCatalogue:
        return FieldCatalogue({name: field.as_field() for name, field in self.usage.items()})

    def source_package(self, metrics: Mapping[str, Metric]) -> SourcePackage:
        """What the sources of its fields may know, with the metrics of the package."""
        sources = {name: field.source for name, field in self.usage.items() if field.source is not None}
        return SourcePackage(metrics, self, sources)

    def unknown_link(self, name: str) -> str | None:
        """What is wrong with the name of a link, if anything."""
        return None if name in self.links else f"unknown link '{name}'.{_choice(name, self.links)}"

    def unknown_offer(self, name: str) -> str | None:
        return None if name in self.offers else f"unknown offer '{name}'.{_choice(name, self.offers)}"

    def unknown_role(self, name: str) -> str | None:
        """A CSM signs with the name of the account's own, so that role needs no setting."""
        known = {**self.roles, CSM: None}
        return None if name in known else f"unknown role '{name}'.{_choice(name, known)}"


CSM: Final = "csm"


def _choice(name: str, known: Mapping[str, object]) -> str:
    return nearest(name, tuple(known)) or (f" Known: {', '.join(known)}." if known else " The settings name none.")
