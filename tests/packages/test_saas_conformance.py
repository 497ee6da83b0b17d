"""The package `saas` says what requirement document A asks for (sections A1 and A2)."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from keepwell.facts.values import Values
from keepwell.health.health_model import Measure
from keepwell.health.score import nano, score
from keepwell.health.trend import direction
from tests.packages.shipped import band_at, groups, measures_of, reads, shipped

SAAS = shipped("saas")
MODEL = SAAS.models["saas"]


def asks(*cases: tuple[object, ...]) -> list[object]:
    """Each case carries the id of its requirement as its first value, and is named by it."""
    return [pytest.param(*case[1:], id=str(case[0]), marks=pytest.mark.requirement(case[0])) for case in cases]


@pytest.mark.parametrize(
    ("group", "weight"),
    asks(
        ("A001", "usage_metrics", 40),
        ("A006", "engagement_signals", 30),
        ("A012", "business_indicators", 20),
        ("A017", "relationship_factors", 10),
    ),
)
def test_the_four_groups_weigh_what_the_document_says(group: str, weight: int) -> None:
    assert [part.id for part in MODEL.groups].count(group) == 1
    assert groups(MODEL)[group].weight == weight


@pytest.mark.parametrize(
    ("group", "metric", "weight", "kind", "source"),
    asks(
        ("A002", "usage_metrics", "daily_active_rate", 15, "active_days_rate", "feature_used"),
        ("A003", "usage_metrics", "feature_adoption_depth", 10, "adoption", "feature_used.feature"),
        ("A004", "usage_metrics", "usage_trend_30_days", 10, "change", "feature_used"),
        ("A005", "usage_metrics", "plan_utilization_rate", 5, "share_of_limit", "subscription_changed.usage_limit"),
        ("A007", "engagement_signals", "support_interaction_sentiment", 10, "mean", "ticket_replied.sentiment"),
        ("A008", "engagement_signals", "feature_request_frequency", 8, "count", "feature_requested"),
        ("A009", "engagement_signals", "community_participation", 5, "count", "community_posted"),
        (
            "A010",
            "engagement_signals",
            "onboarding_completion_rate",
            4,
            "last_value",
            "onboarding_step_completed.onboarding_share",
        ),
        ("A011", "engagement_signals", "documentation_engagement", 3, "count", "docs_viewed"),
        ("A013", "business_indicators", "payment_health", 8, "ratio", "payment_succeeded.on_time"),
        ("A014", "business_indicators", "contract_utilization_trend", 6, "change", "usage_recorded.usage_units"),
        ("A015", "business_indicators", "team_adoption_rate", 4, "adoption", "subscription_changed.team_seats"),
        ("A016", "business_indicators", "integration_usage", 2, "distinct", "integration_used.integration"),
        ("A018", "relationship_factors", "success_manager_interactions", 4, "count", "meeting_held"),
        ("A019", "relationship_factors", "executive_engagement", 3, "count", "meeting_held.with_executive"),
        ("A020", "relationship_factors", "referral_generation", 2, "count", "referral_made"),
        ("A021", "relationship_factors", "case_study_participation", 1, "count", "case_study_agreed"),
    ),
)
def test_each_metric_has_its_weight_and_its_source(
    group: str, metric: str, weight: int, kind: str, source: str
) -> None:
    assert measures_of(groups(MODEL)[group])[metric].weight == weight
    assert SAAS.metrics[metric].kind == kind
    assert source in reads(SAAS, metric)


@pytest.mark.requirement("A022", "X43")
def test_the_weights_add_up_at_every_level() -> None:
    written = [[part.weight for part in group.parts] for group in MODEL.groups]
    assert written == [[15, 10, 10, 5], [10, 8, 5, 4, 3], [8, 6, 4, 2], [4, 3, 2, 1]]
    assert [sum((part.weight or Decimal(0) for part in group.parts), Decimal(0)) for group in MODEL.groups] == [
        40,
        30,
        20,
        10,
    ]
    assert len(MODEL.measures()) == len(set(MODEL.metrics())) == 17


@pytest.mark.requirement("A004", "A026")
def test_both_trends_look_back_thirty_days() -> None:
    written = SAAS.metrics["usage_trend_30_days"].model_dump()
    assert (written["days"], written["measure"], written["unit"]) == (30, "count", "percent_change")
    assert MODEL.trend.days == 30


@pytest.mark.requirement("A026")
@pytest.mark.parametrize(
    ("change", "trend"),
    [("5.1", "improving"), ("5", "stable"), ("0", "stable"), ("-5", "stable"), ("-5.1", "declining")],
)
def test_the_trend_has_a_direction(change: str, trend: str) -> None:
    assert direction(nano(Decimal(change)), MODEL.trend) == trend


@pytest.mark.requirement("A015", "X22")
def test_team_adoption_gives_its_weight_to_its_group_where_it_does_not_apply() -> None:
    metrics = MODEL.metrics()
    told = np.zeros((2, len(metrics)))
    told[1, metrics.index("team_adoption_rate")] = np.nan
    scores = score(Values(datetime(2026, 6, 1, tzinfo=UTC), np.array([1, 2]), metrics, told), MODEL)
    business = [metrics.index(metric) for metric in measures_of(groups(MODEL)["business_indicators"])]
    assert (scores.weights[:, business] / 1e9).tolist() == [[8, 6, 4, 2], [10, 7.5, 0, 2.5]]


@pytest.mark.requirement("A018", "X36")
def test_what_moves_because_we_act_is_flagged() -> None:
    flagged = {metric for metric in MODEL.metrics() if SAAS.metrics[metric].self_caused}
    assert flagged == {"success_manager_interactions"}


@pytest.mark.parametrize(
    ("band", "lo", "colour", "tier", "level"),
    asks(
        ("A029", "thriving", 80, "green", "grow", "Expansion ready"),
        ("A030", "healthy", 60, "green", "stable", "Stable"),
        ("A031", "at_risk", 40, "yellow", "watch", "Needs attention"),
        ("A032", "high_risk", 20, "red", "act", "Intervention required"),
        ("A033", "critical", 0, "red", "emergency", "Immediate action"),
    ),
)
def test_the_bands_are_those_of_the_document(band: str, lo: int, colour: str, tier: str, level: str) -> None:
    found = {one.id: one for one in MODEL.bands}[band]
    assert (found.lo, found.colour, found.tier, found.level) == (lo, colour, tier, level)
    assert found.label == band.replace("_", " ").upper()
    assert found.review
    assert found.characteristics
    assert found.actions


@pytest.mark.requirement("X01", "X02", "A025")
@pytest.mark.parametrize(
    ("score", "band"),
    [
        ("0", "critical"),
        ("19.999", "critical"),
        ("19.999999999", "critical"),
        ("20", "high_risk"),
        ("20.5", "high_risk"),
        ("39.5", "high_risk"),
        ("40", "at_risk"),
        ("59.5", "at_risk"),
        ("60", "healthy"),
        ("79.99", "healthy"),
        ("80", "thriving"),
        ("100", "thriving"),
    ],
)
def test_the_upper_band_owns_its_lower_edge(score: str, band: str) -> None:
    assert band_at(MODEL, score) == band


@pytest.mark.requirement("X09")
def test_bands_of_one_colour_differ_by_label_and_icon() -> None:
    assert len({band.label for band in MODEL.bands}) == 5
    assert len({band.icon for band in MODEL.bands}) == 5


@pytest.mark.parametrize(
    ("metric", "kind", "source"),
    [
        ("usage_change_3_days", "baseline_change", "feature_used"),
        ("payment_failures", "count", "payment_failed"),
        ("core_feature_idle_days", "days_since_last", "feature_used.core"),
        ("overage_months", "count", "overage_charged"),
        ("overage_amount", "mean", "overage_charged.amount"),
        ("advanced_feature_use", "adoption", "feature_used.advanced"),
        ("active_contacts", "distinct", "signed_in"),
        ("integration_requests", "count", "integration_requested"),
        ("api_growth", "change", "api_called.calls"),
        ("contacts_joined", "count", "account_added_user"),
        ("requests_for_paid_features", "count", "feature_requested.in_higher_plan"),
    ],
)
def test_there_are_metrics_for_the_signals_to_come(metric: str, kind: str, source: str) -> None:
    assert SAAS.metrics[metric].kind == kind
    assert source in reads(SAAS, metric)


def test_names_of_the_segment_specification_are_understood() -> None:
    names = SAAS.catalogue.names()
    assert {name: names[name] for name in ("Signed In", "Account Added User", "Trial Started", "Invite Sent")} == {
        "Signed In": "signed_in",
        "Account Added User": "account_added_user",
        "Trial Started": "trial_started",
        "Invite Sent": "invite_sent",
    }
    fixed = ("Account Created", "Account Deleted", "Signed Up", "Signed Out", "Account Removed User", "Trial Ended")
    assert set(fixed) <= set(names)


def test_no_browser_may_tell_of_money_or_plans() -> None:
    money = (
        "subscription_changed",
        "payment_succeeded",
        "payment_failed",
        "invoice_due",
        "invoice_overdue",
        "usage_recorded",
    )
    assert [name for name in money if not SAAS.catalogue.events[name].trusted] == []


def test_every_measure_stands_alone() -> None:
    assert all(isinstance(part, Measure) for group in MODEL.groups for part in group.parts)
