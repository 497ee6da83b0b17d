"""Companies and deals, asked for at HubSpot.

Make a private app with the scopes `crm.objects.companies.read` and `crm.objects.deals.read`, and enter its access token
as `pull:pat-…`, beside the client secret if hooks are used too.

| at HubSpot | becomes |
|---|---|
| a company, new or changed | `account_updated`, with the properties that hooks take |
| a deal of a company, and its amount or stage when they change | `expansion_discussed` |

Companies are asked for by when they changed; deals are listed anew by each pull, because HubSpot names the company of a
deal only there, and only what changed is taken. The account is the id of the company at HubSpot.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from keepwell.connectors.hook_event import Value, instant
from keepwell.connectors.kinds.hubspot import HubSpot as HubSpotHook
from keepwell.connectors.payload import Part
from keepwell.connectors.pull import Pull, Pulled, Resource, pulled
from keepwell.connectors.values import RefusedError

TRAITS: Final[Mapping[str, str]] = {
    "name": "name",
    "industry": "industry",
    "hs_country_code": "country",
    "numberofemployees": "employees",
    "timezone": "time_zone",
}
_NUMBERS: Final = ("employees", "amount", "mrr", "seats")
_CHANGED: Final = "hs_lastmodifieddate"


class HubSpot(Pull):
    kind: ClassVar[Literal["hubspot"]] = "hubspot"
    title: ClassVar[str] = "HubSpot"
    address: ClassVar[str] = "https://api.hubapi.com"
    expects: ClassVar[str] = (
        "a private app's access token with the scopes crm.objects.companies.read and crm.objects.deals.read"
    )
    options: ClassVar[Mapping[str, str]] = HubSpotHook.options
    resources: ClassVar[tuple[Resource, ...]] = (
        Resource(
            "companies", "/crm/v3/objects/companies/search", "results",
            {"type": "cursor", "cursor_path": "paging.next.after", "cursor_body_path": "after"}, "oldest first",
            json={
                "filterGroups": [{"filters": [{"propertyName": _CHANGED, "operator": "GTE", "value": "{since}"}]}],
                "sorts": [{"propertyName": _CHANGED, "direction": "ASCENDING"}],
                "properties": "{properties}",
                "limit": 100,
            },
            cursor=f"properties.{_CHANGED}", form="milliseconds", overlap_s=300, most=10_000,
        ),
        Resource(
            "deals", "/crm/v3/objects/deals", "results",
            {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"}, "whole",
            {"limit": 100, "associations": "companies", "properties": f"amount,dealstage,createdate,{_CHANGED}"},
            resume=("after", "paging.next.after"),
        ),
    )  # fmt: skip

    def asked(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        return {"properties": [*TRAITS, _CHANGED, *Part.of(settings.get("properties"))]}

    def events(self, resource: str, record: Part, settings: Mapping[str, object], known_at: int) -> list[Pulled]:
        properties, number = record.part("properties"), record.id("id")
        at = instant(properties, _CHANGED)
        if resource == "companies":
            traits = {**TRAITS, **{key: str(trait) for key, trait in _chosen(settings).items()}}
            told = {trait: _value(trait, properties, key) for key, trait in traits.items()}
            slot = f"company:{number}"
            return [pulled("hubspot", slot, "account_updated", at=at, account=number, props=told, known_at=known_at)]
        account = _account_of(record)
        if account is None:
            return []
        currency = settings.get("currency")
        props: dict[str, Value] = {
            "opportunity": number,
            "amount": _value("amount", properties, "amount"),
            "stage": properties.text("dealstage"),
            "currency": currency if isinstance(currency, str) else None,
        }
        slot = f"deal:{number}"
        return [pulled("hubspot", slot, "expansion_discussed", at=at, account=account, props=props, known_at=known_at)]


def _chosen(settings: Mapping[str, object]) -> Mapping[str, object]:
    chosen = Part.of(settings.get("properties"))
    return {key: chosen.get(key) for key in chosen}


def _account_of(record: Part) -> str | None:
    """The primary company of a deal, else the first one."""
    found = record.parts("associations.companies.results")
    first = [one for one in found if one.words("type") == "deal_to_company"] or found
    return first[0].id("id") if first else None


def _value(trait: str, properties: Part, key: str) -> Value:
    """HubSpot spells numbers as text."""
    if trait not in _NUMBERS:
        return properties.text(key)
    number = properties.decimal(key) if properties.value(key) != "" else None
    if number is not None and number < 0:
        raise RefusedError("negative_amount", f"`{key}` is {number}; it is never below 0.")
    return number
