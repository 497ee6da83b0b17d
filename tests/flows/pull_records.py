"""Records as HubSpot and Zendesk give them."""

from datetime import UTC, datetime, timedelta

from tests.connectors.rest_server import Json

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def company(number: int, *, name: str | None = None, minute: int | None = None) -> Json:
    at = NOW - timedelta(days=5) + timedelta(minutes=number if minute is None else minute)
    properties = {"name": name or f"Company {number}", "numberofemployees": "12", "hs_lastmodifieddate": at.isoformat()}
    return {"id": str(number), "properties": properties}


def ticket(number: int, **more: object) -> Json:
    return {
        "id": number, "organization_id": 5, "requester_id": 9, "status": "open", "priority": "high",
        "created_at": "2026-11-10T08:00:00Z", "updated_at": "2026-11-11T08:00:00Z", **more,
    }  # fmt: skip
