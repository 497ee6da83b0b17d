"""Accounts, opportunities and cases, asked for at Salesforce.

Set `url` to `https://<yours>.my.salesforce.com`. Make a connected app that may use the client credentials flow with the
scope `api`, set `client_id` to its consumer key, and enter its consumer secret as `pull:…`. Without `client_id` the
secret is an access token.

| at Salesforce | becomes |
|---|---|
| an account, new or changed | `account_updated` |
| an opportunity of an account, and its amount or stage when they change | `expansion_discussed` |
| the same, where its type speaks of a renewal | `renewal_estimated` |
| a case of an account | `ticket_opened`, `ticket_escalated` and `ticket_solved`, each once |

The account is the id of the account at Salesforce, or the field that the setting `account` names.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from keepwell.connectors.hook_event import Value, instant
from keepwell.connectors.payload import Part
from keepwell.connectors.pull import Pull, Pulled, Resource, pulled
from keepwell.connectors.ticket import hours_between, severity_props

_PATH: Final = "/services/data/v62.0/query"
_PAGES: Final = {"type": "json_link", "next_url_path": "nextRecordsUrl"}
_CHANGED: Final = "SystemModstamp"


def _list(name: str, object_: str, fields: str) -> Resource:
    query = f"SELECT Id, {fields}, {_CHANGED} FROM {object_} WHERE {_CHANGED} >= {{since}} ORDER BY {_CHANGED}, Id"  # noqa: S608  # the query language of Salesforce, made of literals
    return Resource(name, _PATH, "records", _PAGES, "oldest first", {"q": query}, cursor=_CHANGED, overlap_s=60)


class Salesforce(Pull):
    kind: ClassVar[Literal["salesforce"]] = "salesforce"
    title: ClassVar[str] = "Salesforce"
    expects: ClassVar[str] = (
        "the consumer secret of a connected app with the scope api, whose key is the setting client_id"
    )
    options: ClassVar[Mapping[str, str]] = {
        "client_id": "The consumer key of the connected app.",
        "currency": "The currency of amounts, such as EUR.",
    }
    resources: ClassVar[tuple[Resource, ...]] = (
        _list("accounts", "Account", "Name, Industry, BillingCountry, NumberOfEmployees, Type"),
        _list("opportunities", "Opportunity", "AccountId, Amount, StageName, Probability, Type, IsClosed, IsWon"),
        _list("cases", "Case", "AccountId, ContactId, Priority, IsEscalated, IsClosed, CreatedDate, ClosedDate"),
    )

    def sign_in(self, settings: Mapping[str, object], token: str) -> Mapping[str, object]:
        app = settings.get("client_id")
        if not app:
            return {"type": "bearer", "token": token}
        return {
            "type": "oauth2_client_credentials",
            "access_token_url": f"{self.url(settings)}/services/oauth2/token",
            "client_id": str(app),
            "client_secret": token,
            "default_token_expiration": 900,
        }

    def events(self, resource: str, record: Part, settings: Mapping[str, object], known_at: int) -> list[Pulled]:
        at, number = instant(record, _CHANGED), record.id("Id")
        if resource == "accounts":
            props: dict[str, Value] = {
                "name": record.text("Name"),
                "industry": record.text("Industry"),
                "country": record.text("BillingCountry"),
                "employees": record.number("NumberOfEmployees"),
                "salesforce_type": record.text("Type"),
            }
            told = pulled(
                "salesforce", f"account:{number}", "account_updated", at=at, account=number, props=props,
                known_at=known_at,
            )  # fmt: skip
            return [told]
        account = record.id("AccountId")
        if account is None:
            return []
        return _of_case(record, known_at) if resource == "cases" else _of_opportunity(record, settings, known_at)


def _of_opportunity(record: Part, settings: Mapping[str, object], known_at: int) -> list[Pulled]:
    at, number, account = instant(record, _CHANGED), record.id("Id"), record.id("AccountId")
    currency = settings.get("currency")
    share = record.number("Probability")
    if "renew" in record.words("Type").lower() and share is not None:
        name, props = "renewal_estimated", {"opportunity": number, "renewal_probability": share / 100}
    else:
        name = "expansion_discussed"
        props = {
            "opportunity": number,
            "amount": record.number("Amount"),
            "stage": record.text("StageName"),
            "currency": currency if isinstance(currency, str) else None,
        }
    slot = f"opportunity:{number}"
    return [pulled("salesforce", slot, name, at=at, account=account, props=props, known_at=known_at)]


def _of_case(case: Part, known_at: int) -> list[Pulled]:
    number, created, closed = case.id("Id"), instant(case, "CreatedDate"), instant(case, "ClosedDate")
    told: list[tuple[str, int | None, dict[str, Value]]] = [
        ("ticket_opened", created, dict(severity_props(case.words("Priority"))))
    ]
    if case.truth("IsEscalated"):
        told.append(("ticket_escalated", instant(case, _CHANGED), {}))
    if case.truth("IsClosed"):
        told.append(("ticket_solved", closed, {"hours_to_solve": hours_between(created, closed)}))
    return [
        pulled(
            "salesforce", f"case:{number}:{name}", name, at=at, account=case.id("AccountId"),
            contact=case.id("ContactId"), props={"ticket": number, **props}, known_at=known_at, is_once=True,
        )
        for name, at, props in told
    ]  # fmt: skip
