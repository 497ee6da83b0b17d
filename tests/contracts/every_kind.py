"""One metric or more of every kind, over the events of `log_world`."""

from collections.abc import Mapping
from typing import Final

from keepwell.base.registry import kinds
from keepwell.metrics.metric import Metric

KINDS: Final = kinds("keepwell.metrics.kinds", Metric)
_USE: Final = {"events": ["signed_in", "feature_used"]}
_FEATURES: Final = {"events": ["feature_used"], "property": "feature"}
_UNITS: Final = {"events": ["usage_recorded"], "property": "units"}
_LIMIT: Final = {"events": ["subscription_changed"], "property": "plan_limit"}
_TICKETS: Final = {"events": ["ticket_opened"]}
_ANSWERS: Final = {
    "request": _TICKETS,
    "response": {"events": ["message_replied"]},
    "within_hours": 400,
    "days": 90,
}

_TOLD: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "active_days": ("active_days_rate", {**_USE, "days": 30}),
    "active_days_long": ("active_days_rate", {**_USE, "days": 100}),
    "adoption_of_plan": ("adoption", {**_FEATURES, "days": 30, "of_plan": _LIMIT}),
    "adoption_of_total": ("adoption", {**_FEATURES, "days": 30, "total": 4, "where": {"advanced": True}}),
    "adoption_speed": ("adoption_speed", {**_FEATURES, "days": 30}),
    "baseline_change": ("baseline_change", {**_USE, "days": 3, "weeks": 4}),
    "baseline_units": ("baseline_change", {**_UNITS, "days": 7, "weeks": 2, "measure": "sum"}),
    "change": ("change", {**_USE, "days": 30}),
    "change_of_units": ("change", {**_UNITS, "days": 20, "measure": "mean", "by": "difference"}),
    "contact_spread": ("contact_spread", {**_USE, "days": 60}),
    "count": ("count", {"events": ["ticket_opened"], "days": 30, "where": {"severity": ["high", "urgent"]}}),
    "count_per_contact": ("count", {**_USE, "days": 30, "per": "contact"}),
    "days_since_last": ("days_since_last", {**_USE}),
    "days_until": ("days_until", {"events": ["subscription_changed"], "property": "renewal_at"}),
    "depth": ("depth", {**_FEATURES, "days": 30}),
    "distinct_contacts": ("distinct", {**_USE, "of": "contact", "days": 30}),
    "distinct_features": ("distinct", {"events": ["feature_used"], "of": "feature", "days": 45}),
    "last_is": ("last_is", {"events": ["subscription_changed"], "property": "plan", "values": ["large"]}),
    "last_value": ("last_value", {**_UNITS}),
    "mean": ("mean", {"events": ["ticket_opened"], "property": "sentiment", "days": 90}),
    "mean_of_low": ("mean", {**_UNITS, "days": 90, "where": {"units": {"at_least": -5, "below": 1000}}}),
    "mix": ("mix", {"of": {"active_days": 2, "distinct_features": 0.3, "mean": 1.1}}),
    "open_items": (
        "open_items",
        {
            "events": ["ticket_opened"],
            "where": {"severity": "high"},
            "of": "feature",
            "closed_by": {"events": ["feature_used"], "where": {"advanced": True}},
            "days": 60,
        },
    ),
    "overdue": ("overdue", {**_USE, "days": 60}),
    "quotient": ("quotient", {"metric": "sum", "by": "distinct_contacts"}),
    "ratio": (
        "ratio",
        {"events": ["ticket_opened"], "where": {"severity": "high"}, "of": {"events": ["ticket_opened"]}, "days": 60},
    ),
    "response_rate": ("response_rate", _ANSWERS),
    "response_time": ("response_time", _ANSWERS),
    "response_time_mean": ("response_time", {**_ANSWERS, "average": "mean"}),
    "share_of_limit": ("share_of_limit", {"usage": _UNITS, "limit": _LIMIT, "days": 30}),
    "streak": ("streak", {**_USE}),
    "streak_weeks": ("streak", {**_USE, "per": "week"}),
    "sum": ("sum", {**_UNITS, "days": 30}),
    "sum_per_contact": ("sum", {**_UNITS, "days": 60, "per": "contact"}),
    "tenure": ("tenure", {**_USE}),
    "never_told": ("count", {"events": ["never_sent"], "days": 30}),
}

METRICS: Final = {
    metric_id: KINDS[kind].model_validate(
        {"kind": kind, "title": metric_id, "unit": "number", "better": "up", **fields}
    )
    for metric_id, (kind, fields) in _TOLD.items()
}
FRESH_DAYS: Final = {"last_value": 20, "sum": 10}
