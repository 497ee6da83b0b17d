"""The API at /api: the same guarded reads as the pages, and accounts told by others. OpenAPI at /api/openapi.json.

Whoever asks is signed in, or holds a key of kind red or adm whose scopes allow it.
"""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import django_auth

from keepwell.web.api.account import router as account_router
from keepwell.web.api.account_batch import router as account_batch_router
from keepwell.web.api.alert import router as alert_router
from keepwell.web.api.document import router as document_router
from keepwell.web.api.enrolment import router as enrolment_router
from keepwell.web.api.milestone import router as milestone_router
from keepwell.web.api.opportunity import router as opportunity_router
from keepwell.web.api.rule import router as rule_router
from keepwell.web.api.score import router as score_router
from keepwell.web.api.segment import router as segment_router
from keepwell.web.api.sending import router as sending_router
from keepwell.web.api.shape import Problem
from keepwell.web.api.source import router as source_router
from keepwell.web.api.task import router as task_router
from keepwell.web.api.today import router as today_router
from keepwell.web.api.touch import router as touch_router
from keepwell.web.key_sign_in import KeyHeld

REFUSALS: Final = {
    400: "A key stands in the address",
    401: "Neither signed in nor with a key that is known",
    403: "The key may not do this",
    404: "There is nothing here",
    422: "A parameter makes no sense",
    429: "The key asks too often; Retry-After says when to come again",
}


class DescribedAPI(NinjaAPI):
    """Its description also tells the answers that stand before every operation."""

    def get_openapi_schema(self, **asked: Any) -> OpenAPISchema:
        found = super().get_openapi_schema(**asked)
        shape = Problem.model_json_schema()
        for operations in found["paths"].values():
            for operation in operations.values():
                for status, sentence in REFUSALS.items():
                    told = {"description": sentence, "content": {"application/json": {"schema": shape}}}
                    operation["responses"].setdefault(status, told)
        return found


api = DescribedAPI(
    title="Keepwell",
    version="1",
    description="Accounts, their health scores, what stands behind them, the signals that follow from them, "
    "and what playbooks do about them. "
    "Scores are in points from 0 to 100.",
    # The viewer that ninja offers loads scripts from elsewhere.
    docs_url=None,
    auth=[KeyHeld(), django_auth],
    urls_namespace="api",
)
api.add_router("", account_batch_router, tags=["accounts"])
api.add_router("/accounts", account_router, tags=["accounts"])
api.add_router("/accounts", score_router, tags=["scores"])
api.add_router("/alerts", alert_router, tags=["alerts"])
api.add_router("/opportunities", opportunity_router, tags=["opportunities"])
api.add_router("/milestones", milestone_router, tags=["milestones"])
api.add_router("/enrolments", enrolment_router, tags=["enrolments"])
api.add_router("/touches", touch_router, tags=["touches"])
api.add_router("/tasks", task_router, tags=["tasks"])
api.add_router("/documents", document_router, tags=["documents"])
api.add_router("/sending", sending_router, tags=["sending"])
api.add_router("/today", today_router, tags=["today"])
api.add_router("/rules", rule_router, tags=["rules"])
api.add_router("/segments", segment_router, tags=["segments"])
api.add_router("/sources", source_router, tags=["sources"])


@api.exception_handler(AuthenticationError)
def unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    sentence = "Sign in, or send a key of kind red or adm as 'Authorization: Bearer …'."
    return api.create_response(request, {"error": sentence}, status=401)


@api.exception_handler(ValidationError)
def refused(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """One error shape for the whole API."""
    problems = [f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}" for item in error.errors]
    return api.create_response(request, {"error": "; ".join(problems)}, status=422)


@api.exception_handler(HttpError)
def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that is no JSON, such as one that was cut off."""
    return api.create_response(request, {"error": f"{error}."}, status=error.status_code)
