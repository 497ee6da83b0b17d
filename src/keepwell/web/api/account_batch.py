"""Accounts that others tell us of, many at a time."""

from typing import Annotated, Final, Literal

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.connectors.dialects.accounts import LARGEST_BATCH, ToldAccount
from keepwell.facts.inbound import BATCH_BYTES, Refusal, UnreadableError
from keepwell.jobs.inbox import NotCertainError, inbox_of_process
from keepwell.jobs.key import Held
from keepwell.jobs.upsert import do_open_api_source, do_upsert_accounts
from keepwell.web.intake_request import too_large, unpacked
from keepwell.web.key_sign_in import KeyHeld, held_key

router = Router()
RETRY_AFTER_S: Final = 5


class AccountIn(Schema):
    """One account. Members that are not named here are traits of your own; null tells nothing."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[str, Field(max_length=512, description="Your own id of the account, as in your events.")]
    message_id: Annotated[
        str | None, Field(max_length=491, description="Yours to choose: the same id again is counted once.")
    ] = None
    at: Annotated[str | None, Field(description="Since when it holds, in ISO 8601; without it, since it came.")] = None
    name: str | None = None
    plan: str | None = None
    mrr: Annotated[float | None, Field(ge=0, description="Monthly recurring revenue, in `currency`.")] = None
    currency: Annotated[str | None, Field(description="Three letters of ISO 4217.")] = None
    seats: Annotated[float | None, Field(ge=0)] = None
    status: Annotated[
        str | None, Field(description="Of the subscription: trial, active, past_due, paused, cancelled.")
    ] = None
    renewal_at: Annotated[str | None, Field(description="When the contract renews or ends, in ISO 8601.")] = None
    ending: Annotated[bool | None, Field(description="Notice was given.")] = None


BODY: Final = {
    "type": "object",
    "required": ["accounts"],
    "properties": {
        "accounts": {"type": "array", "maxItems": LARGEST_BATCH, "items": AccountIn.model_json_schema()},
    },
}


class AccountResult(Schema):
    """What became of the account at this place of the batch; `code` and `error` say why it was rejected."""

    status: Literal["accepted", "rejected"]
    id: str | None = None
    code: str | None = None
    error: str | None = None


class AccountBatchOut(Schema):
    """`results` has one entry per account, in the order of the batch."""

    accepted: int
    rejected: int
    results: list[AccountResult]


class Refused(Schema):
    code: str
    error: str


@router.put(
    "/accounts:batch",
    auth=KeyHeld(),
    response={
        200: AccountBatchOut,
        207: AccountBatchOut,
        400: Refused,
        401: Refused,
        403: Refused,
        409: Refused,
        413: Refused,
        503: Refused,
    },
    exclude_none=True,
    summary="Tell of up to 1,000 accounts",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": BODY}},
        }
    },
)
def put_accounts(request: HttpRequest, response: HttpResponse) -> Status[object]:
    """Creates accounts, and changes the traits that are told; the others stay. The same content again changes nothing.

    Needs a key of kind adm with the scope accounts:write, or of kind srv, whose source it then counts for. 200 says
    that all were accepted and 207 that some were not; they are on disk then. After 503 send the batch again.
    """
    held = held_key(request)
    now = SystemClock().now()
    try:
        body = _body(request)
        source = held.source_id or _api_source(held)
        found = do_upsert_accounts(inbox_of_process(), body, source=source, key=held.id, now=now)
    except UnreadableError as error:
        return Status(error.status, Refused(code=error.code, error=error.sentence))
    except UserError as error:
        return Status(409, Refused(code="source", error=str(error)))
    except NotCertainError:
        response["Retry-After"] = str(RETRY_AFTER_S)
        return Status(503, Refused(code="not_certain", error="The accounts could not be written. Send them again."))
    results = [_result(one) for one in found]
    rejected = sum(result.status == "rejected" for result in results)
    told = AccountBatchOut(accepted=len(results) - rejected, rejected=rejected, results=results)
    return Status(207 if rejected else 200, told)


def _body(request: HttpRequest) -> bytes:
    try:
        body = request.body
    except RequestDataTooBig:
        raise too_large(BATCH_BYTES) from None
    if len(body) > BATCH_BYTES:
        raise too_large(BATCH_BYTES)
    return unpacked(body)


def _api_source(held: Held) -> int:
    return do_open_api_source(settings.KEEPWELL, by=f"key:{held.name}", now=SystemClock().now()).pk


def _result(one: ToldAccount | Refusal) -> AccountResult:
    if isinstance(one, Refusal):
        return AccountResult(status="rejected", code=one.code, error=one.sentence)
    return AccountResult(status="accepted", id=one.account)
