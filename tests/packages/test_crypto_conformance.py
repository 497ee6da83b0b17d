"""The package `crypto` says what requirement document B asks for (sections B1, B2, B4 and B11)."""

import pytest

from keepwell.health.health_model import Group
from tests.packages.shipped import band_at, groups, measures_of, reads, shipped, text_of

CRYPTO = shipped("crypto")
SAAS = shipped("saas")
MODEL = CRYPTO.models["crypto"]
TECHNICAL = CRYPTO.models["technical"]


def asks(*cases: tuple[object, ...]) -> list[object]:
    """Each case carries the id of its requirement as its first value, and is named by it."""
    return [pytest.param(*case[1:], id=str(case[0]), marks=pytest.mark.requirement(case[0])) for case in cases]


@pytest.mark.parametrize(
    ("group", "weight"),
    asks(
        ("B002", "core_health", 40),
        ("B003", "usage_frequency", 15),
        ("B008", "transaction_volume", 15),
        ("B013", "feature_adoption", 10),
        ("B018", "engagement", 25),
        ("B019", "communication_responsiveness", 10),
        ("B024", "platform_engagement", 15),
        ("B029", "support_satisfaction", 20),
        ("B030", "support_tickets", 10),
        ("B035", "satisfaction_indicators", 10),
        ("B040", "financial_health", 15),
        ("B041", "payment_behavior", 10),
        ("B046", "account_growth", 5),
    ),
)
def test_groups_and_the_nine_weighted_metrics_weigh_what_the_document_says(group: str, weight: int) -> None:
    assert groups(MODEL)[group].weight == weight


@pytest.mark.parametrize(
    ("group", "metric", "kind", "source"),
    asks(
        ("B004", "usage_frequency", "daily_active_rate", "active_days_rate", "signed_in"),
        ("B005", "usage_frequency", "feature_use_rate", "count", "feature_used"),
        ("B006", "usage_frequency", "session_depth", "mix", "session_ended.session_minutes"),
        ("B007", "usage_frequency", "api_call_frequency", "share_of_limit", "api_called.calls"),
        ("B009", "transaction_volume", "transaction_frequency_trend", "change", "transaction_settled"),
        ("B010", "transaction_volume", "volume_growth", "change", "transaction_settled.volume"),
        ("B011", "transaction_volume", "cross_chain_activity", "distinct", "transaction_settled.chain"),
        ("B012", "transaction_volume", "defi_participation", "active_days_rate", "defi_position_changed"),
        ("B014", "feature_adoption", "features_in_use", "distinct", "feature_used.feature"),
        ("B015", "feature_adoption", "advanced_feature_use", "adoption", "feature_used.advanced"),
        ("B016", "feature_adoption", "new_feature_adoption_speed", "adoption_speed", "feature_used.feature"),
        ("B017", "feature_adoption", "feature_depth", "depth", "feature_used.feature"),
        ("B020", "communication_responsiveness", "outreach_response_rate", "response_rate", "message_replied"),
        ("B021", "communication_responsiveness", "proactive_messages", "count", "message_received"),
        ("B022", "communication_responsiveness", "support_interaction_sentiment", "mean", "ticket_opened.sentiment"),
        ("B023", "communication_responsiveness", "community_participation", "count", "community_posted"),
        ("B025", "platform_engagement", "dashboard_login_frequency", "count", "signed_in.surface"),
        ("B026", "platform_engagement", "documentation_engagement", "count", "docs_viewed"),
        ("B027", "platform_engagement", "forum_participation", "count", "community_posted.place"),
        ("B028", "platform_engagement", "education_consumption", "count", "lesson_completed"),
        ("B031", "support_tickets", "ticket_load", "sum", "ticket_opened.severity_points"),
        ("B032", "support_tickets", "resolution_satisfaction", "mean", "ticket_rated.rating"),
        ("B033", "support_tickets", "self_service_success", "ratio", "help_searched.answered"),
        ("B034", "support_tickets", "escalation_rate", "quotient", "ticket_escalated"),
        ("B036", "satisfaction_indicators", "survey_scores", "mean", "survey_answered.score_share"),
        ("B037", "satisfaction_indicators", "feedback_sentiment", "mean", "feedback_given.sentiment"),
        (
            "B038",
            "satisfaction_indicators",
            "renewal_probability",
            "last_value",
            "renewal_estimated.renewal_probability",
        ),
        ("B039", "satisfaction_indicators", "reference_willingness", "ratio", "reference_answered.willing"),
        ("B042", "payment_behavior", "payment_health", "ratio", "payment_succeeded.on_time"),
        ("B043", "payment_behavior", "payment_method_changes", "count", "payment_method_changed"),
        ("B044", "payment_behavior", "plan_utilization_rate", "share_of_limit", "subscription_changed.usage_limit"),
        ("B045", "payment_behavior", "billing_inquiries", "count", "ticket_opened.topic"),
        ("B047", "account_growth", "plan_upgrades", "count", "subscription_changed.change"),
        ("B048", "account_growth", "addon_adoption", "last_value", "addon_changed.addons"),
        ("B049", "account_growth", "referral_generation", "count", "referral_made"),
        ("B050", "account_growth", "expansion_discussions", "count", "expansion_discussed"),
    ),
)
def test_each_of_the_sub_metrics_has_its_place_and_its_source(group: str, metric: str, kind: str, source: str) -> None:
    assert metric in measures_of(groups(MODEL)[group])
    assert CRYPTO.metrics[metric].kind == kind
    assert source in reads(CRYPTO, metric)


@pytest.mark.requirement("B051", "X34", "X43")
def test_the_weights_add_up_and_four_sub_metrics_share_each_metric_equally() -> None:
    assert [group.weight for group in MODEL.groups] == [40, 25, 20, 15]
    assert [[part.weight for part in group.parts] for group in MODEL.groups] == [
        [15, 15, 10],
        [10, 15],
        [10, 10],
        [10, 5],
    ]
    weighted = [part for group in MODEL.groups for part in group.parts if isinstance(part, Group)]
    assert [(part.weights, len(part.parts)) for part in weighted] == [("equal", 4)] * 9
    assert len(set(MODEL.metrics())) == 36


BANDS = {band.id: band for band in MODEL.bands}


@pytest.mark.parametrize(
    ("band", "lo", "colour", "label"),
    asks(
        ("B052", "healthy", 80, "green", "HEALTHY"),
        ("B057", "stable", 60, "yellow", "STABLE"),
        ("B062", "at_risk", 40, "orange", "AT-RISK"),
        ("B067", "critical", 0, "red", "CRITICAL"),
    ),
)
def test_the_bands_are_those_of_the_document(band: str, lo: int, colour: str, label: str) -> None:
    assert (BANDS[band].lo, BANDS[band].colour, BANDS[band].label) == (lo, colour, label)


@pytest.mark.parametrize(
    ("band", "characteristics"),
    asks(
        ("B053", "healthy", ("High engagement", "Regular usage", "Positive feedback")),
        ("B058", "stable", ("Consistent usage", "Moderate engagement", "Stable behaviour")),
        ("B063", "at_risk", ("Declining usage", "Reduced engagement", "Concerning indicators")),
        ("B068", "critical", ("Minimal usage", "Poor engagement", "Churn indicators")),
    ),
)
def test_each_band_tells_what_its_accounts_are_like(band: str, characteristics: tuple[str, ...]) -> None:
    assert BANDS[band].characteristics == characteristics


@pytest.mark.parametrize(
    ("band", "actions"),
    asks(
        ("B054", "healthy", ("Celebration of success", "Expansion discussions", "Referral requests")),
        ("B059", "stable", ("Regular check-ins", "Feature adoption guidance", "Value reinforcement")),
        ("B064", "at_risk", ("Immediate intervention", "Problem identification", "Value demonstration")),
        ("B069", "critical", ("Urgent intervention", "Executive escalation", "Retention campaign")),
    ),
)
def test_each_band_tells_what_to_do(band: str, actions: tuple[str, ...]) -> None:
    assert BANDS[band].actions == actions


@pytest.mark.parametrize(
    ("band", "review"),
    asks(
        ("B055", "healthy", "every week"),
        ("B060", "stable", "every 2 weeks"),
        ("B065", "at_risk", "every day"),
        ("B070", "critical", "in real time"),
    ),
)
def test_each_band_has_its_rhythm_of_review(band: str, review: str) -> None:
    assert BANDS[band].review == review


@pytest.mark.parametrize(
    ("band", "level"),
    asks(
        ("B056", "healthy", "Proactive growth facilitation"),
        ("B061", "stable", "Proactive optimisation"),
        ("B066", "at_risk", "High-touch recovery"),
        ("B071", "critical", "Emergency retention protocol"),
    ),
)
def test_each_band_has_its_level_of_intervention(band: str, level: str) -> None:
    assert BANDS[band].level == level


@pytest.mark.requirement("X01", "X02", "X28")
@pytest.mark.parametrize(
    ("score", "band"),
    [
        ("0", "critical"),
        ("19.999", "critical"),
        ("20", "critical"),
        ("39.5", "critical"),
        ("39.999999999", "critical"),
        ("40", "at_risk"),
        ("59.5", "at_risk"),
        ("60", "stable"),
        ("79.99", "stable"),
        ("80", "healthy"),
        ("100", "healthy"),
    ],
)
def test_the_upper_band_owns_its_lower_edge(score: str, band: str) -> None:
    assert band_at(MODEL, score) == band


@pytest.mark.requirement("X42")
def test_tiers_compare_the_bands_of_both_packages() -> None:
    theirs = {band.id: band.tier for band in SAAS.models["saas"].bands}
    assert theirs["thriving"] == BANDS["healthy"].tier == "grow"
    assert theirs["healthy"] == BANDS["stable"].tier == "stable"
    assert (theirs["at_risk"], BANDS["at_risk"].tier) == ("watch", "act")
    assert theirs["critical"] == BANDS["critical"].tier == "emergency"


@pytest.mark.parametrize(
    ("event", "properties", "metric"),
    asks(
        ("B080", "signed_in", ("surface",), "dashboard_login_frequency"),
        ("B081", "session_ended", ("session_minutes", "actions"), "session_depth"),
        ("B082", "feature_used", ("feature", "core", "advanced"), "features_in_use"),
        ("B083", "api_called", ("calls", "errors"), "api_error_rate"),
        ("B084", "transaction_settled", ("volume", "currency"), "volume_growth"),
        ("B085", "transaction_settled", ("venue", "protocol"), "transaction_frequency_trend"),
        ("B086", "transaction_settled", ("success",), "transaction_success_rate"),
        ("B087", "transaction_settled", ("chain",), "cross_chain_activity"),
        ("B089", "ticket_opened", ("severity", "severity_points", "sentiment"), "support_interaction_sentiment"),
        ("B090", "community_posted", ("place",), "community_participation"),
        ("B091", "docs_viewed", ("page",), "documentation_engagement"),
        ("B092", "payment_succeeded", ("amount", "currency", "on_time"), "payment_health"),
        ("B093", "usage_recorded", ("usage_units",), "plan_utilization_rate"),
        ("B094", "expansion_discussed", ("amount",), "expansion_discussions"),
        ("B095", "survey_answered", ("survey", "score", "scale"), "survey_scores"),
    ),
)
def test_the_catalogue_takes_in_every_data_point_and_a_metric_reads_it(
    event: str, properties: tuple[str, ...], metric: str
) -> None:
    assert set(properties) <= set(CRYPTO.catalogue.events[event].properties)
    assert event in reads(CRYPTO, metric)


@pytest.mark.requirement("B088", "X38")
def test_opened_mails_can_be_collected_but_no_metric_reads_them() -> None:
    assert "channel" in CRYPTO.catalogue.events["email_opened"].properties
    assert [metric for metric in CRYPTO.metrics if "email_opened" in reads(CRYPTO, metric)] == []


@pytest.mark.parametrize(
    ("group", "metric", "source"),
    asks(
        ("B162", "mining", "mining_efficiency_trend", "mining_reported.efficiency"),
        ("B163", "mining", "proof_success_rate", "proof_submitted.accepted"),
        ("B164", "mining", "network_participation", "mining_reported.uptime_share"),
        ("B165", "mining", "tuning_uptake", "tuning_suggested"),
        ("B166", "exchange", "dex_success_rate", "transaction_settled.success"),
        ("B167", "exchange", "liquidity_utilisation", "liquidity_reported.liquidity_used_share"),
        ("B168", "exchange", "yield_performance", "yield_reported.yield_over_benchmark"),
        ("B169", "exchange", "bridge_usage", "bridge_used.success"),
        ("B170", "defi", "protocol_participation", "defi_position_changed.protocol"),
        ("B171", "defi", "risk_exposure", "risk_assessed.exposed_share"),
        ("B172", "defi", "yield_optimisation_success", "yield_rebalanced.improved"),
        ("B173", "defi", "compliance_adherence", "compliance_checked.passed"),
    ),
)
def test_each_technical_indicator_has_its_place_and_its_source(group: str, metric: str, source: str) -> None:
    found = groups(TECHNICAL)[group]
    assert (found.weights, len(found.parts)) == ("equal", 4)
    assert metric in measures_of(found)
    assert source in reads(CRYPTO, metric)


def test_the_technical_score_stands_beside_the_health_score() -> None:
    assert list(CRYPTO.models) == ["crypto", "technical"]
    assert len(set(TECHNICAL.metrics())) == 12
    assert not set(TECHNICAL.metrics()) & set(MODEL.metrics())
    assert [band.lo for band in TECHNICAL.bands] == [0, 40, 60, 80]


@pytest.mark.requirement("B020", "B038", "X36")
def test_what_moves_because_we_act_or_foretells_is_flagged() -> None:
    assert {metric for metric in MODEL.metrics() if CRYPTO.metrics[metric].self_caused} == {"outreach_response_rate"}
    assert {metric for metric in MODEL.metrics() if CRYPTO.metrics[metric].predictive} == {"renewal_probability"}


@pytest.mark.requirement("X35", "X43")
def test_what_both_packages_mean_alike_is_defined_once() -> None:
    shared = set(MODEL.metrics()) & set(SAAS.models["saas"].metrics())
    assert shared == {
        "daily_active_rate",
        "support_interaction_sentiment",
        "community_participation",
        "documentation_engagement",
        "payment_health",
        "plan_utilization_rate",
        "referral_generation",
    }
    assert all(CRYPTO.metrics[metric] == SAAS.metrics[metric] for metric in SAAS.metrics)


@pytest.mark.requirement("X41")
@pytest.mark.parametrize("package", ["saas", "crypto"])
def test_no_text_names_a_person_a_product_or_a_chain(package: str) -> None:
    names = ("jennifer", "williams", "darkflobi", "prompt agent", "zkpow", "solana", "ethereum", "bitcoin")
    texts = "\n".join(text_of(package).files.values()).lower()
    assert [name for name in names if name in texts] == []
    assert texts.isascii()
