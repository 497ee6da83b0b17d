"""The API gives what the pages show."""

from decimal import Decimal

from django.test import Client

from keepwell.store.models import ScoreRecord
from tests.web.world import NOW, World


def test_accounts_are_listed_filtered_and_paged(signed_in: Client) -> None:
    found = signed_in.get("/api/accounts?band=critical&sort=name&size=2").json()
    assert found["model"] == "saas/saas"
    assert len(found["accounts"]) == 2 < found["total"]
    assert {row["band"] for row in found["accounts"]} == {"critical"}


def test_a_score_is_exact_and_its_measures_add_up(signed_in: Client, world: World) -> None:
    record = ScoreRecord.objects.get(account=world.acme, as_of=NOW)
    score = signed_in.get(f"/api/accounts/{world.acme}/score").json()
    assert Decimal(score["score"]) == Decimal(record.nano_points or 0).scaleb(-9)
    explained = signed_in.get(f"/api/accounts/{world.acme}/explanation").json()
    assert sum(Decimal(line["points"]) for line in explained["measures"]) == Decimal(explained["score"])


def test_history_and_a_past_moment(signed_in: Client, world: World) -> None:
    found = signed_in.get(
        f"/api/accounts/{world.acme}/scores?until=2026-11-10T12:00:00Z&since=2026-11-01T00:00:00Z"
    ).json()
    assert len(found["points"]) == 10
    past = signed_in.get(f"/api/accounts/{world.acme}/score?as_of=2026-11-05T12:00:00Z").json()
    assert past["as_of"] == "2026-11-05T02:00:00Z"


def test_unknown_is_404_and_nonsense_is_422_in_one_shape(signed_in: Client, world: World) -> None:
    for path in ("999", "999/score", "999/scores", "999/explanation", f"{world.acme}/score?model=no/such"):
        answer = signed_in.get(f"/api/accounts/{path}")
        assert (answer.status_code, answer.json()) == (404, {"error": "There is nothing here."})
    for query in ("size=0", "size=501", "sort=secret", "first=-1"):
        answer = signed_in.get(f"/api/accounts?{query}")
        assert answer.status_code == 422
        assert list(answer.json()) == ["error"]
    assert signed_in.get(f"/api/accounts/{world.acme}/score?as_of=2026-11-05T12:00:00").status_code == 422


def test_a_body_that_is_no_json_is_refused_in_the_same_shape(signed_in: Client) -> None:
    answer = signed_in.post("/api/alerts/1/close", '{"reason": ', content_type="application/json")
    assert (answer.status_code, answer.json()) == (400, {"error": "Cannot parse request body."})


def test_an_account_without_data_has_no_score(signed_in: Client, world: World) -> None:
    found = signed_in.get(f"/api/accounts/{world.delta}").json()
    assert (found["score"], found["band"]) == (None, None)


def test_the_description_is_complete(signed_in: Client) -> None:
    found = signed_in.get("/api/openapi.json").json()
    assert set(found["paths"]) == {
        "/api/accounts",
        "/api/accounts:batch",
        "/api/accounts/{account_id}",
        "/api/accounts/{account_id}/score",
        "/api/accounts/{account_id}/scores",
        "/api/accounts/{account_id}/explanation",
        "/api/alerts",
        "/api/alerts/response-times",
        "/api/alerts/{alert_id}",
        "/api/alerts/{alert_id}/acknowledge",
        "/api/alerts/{alert_id}/assign",
        "/api/alerts/{alert_id}/snooze",
        "/api/alerts/{alert_id}/close",
        "/api/opportunities",
        "/api/opportunities/{opportunity_id}",
        "/api/opportunities/{opportunity_id}/contacted",
        "/api/opportunities/{opportunity_id}/lost",
        "/api/milestones",
        "/api/milestones/{milestone_id}",
        "/api/milestones/{milestone_id}/celebrated",
        "/api/milestones/{milestone_id}/passed-over",
        "/api/enrolments",
        "/api/enrolments/{enrolment_id}",
        "/api/enrolments/{enrolment_id}/end",
        "/api/touches",
        "/api/touches/shown",
        "/api/touches/{touch_id}",
        "/api/touches/{touch_id}/approve",
        "/api/touches/{touch_id}/refuse",
        "/api/tasks",
        "/api/tasks/{task_id}",
        "/api/tasks/{task_id}/complete",
        "/api/tasks/{task_id}/assign",
        "/api/tasks/{task_id}/reopen",
        "/api/documents",
        "/api/documents/{document_id}",
        "/api/sending",
        "/api/sending/stop",
        "/api/sending/resume",
        "/api/sending/on",
        "/api/sending/off",
        "/api/today",
        "/api/rules",
        "/api/segments",
        "/api/sources",
        "/api/sources/{source_id}/ledger",
    }
    for path in found["paths"].values():
        assert all(operation["summary"] for operation in path.values())
