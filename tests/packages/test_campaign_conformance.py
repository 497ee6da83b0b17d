"""Campaigns, programmes and protocols against the requirements: what starts each, and what it consists of."""

from datetime import UTC, datetime, timedelta

import pytest

from keepwell.base.business_time import Calendar
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.start import choose_start
from keepwell.playbooks.step import Step
from keepwell.playbooks.steps.celebrate import Celebrate
from keepwell.playbooks.steps.consult import Consult
from keepwell.playbooks.steps.document import Document
from keepwell.playbooks.steps.message import Message
from keepwell.playbooks.steps.notify import Notify
from keepwell.playbooks.steps.task import Task
from tests.packages.test_every_playbook import book
from tests.unit.playbooks.template_world import shipped_templates

MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def playbook(package: str, name: str) -> Playbook:
    return book(package).playbooks[name]


def step(package: str, name: str, step_id: str) -> Step:
    (found,) = [one for one in playbook(package, name).steps if one.id == step_id]
    return found


def after(found: Step) -> timedelta:
    return found.after.due_at(MONDAY, Calendar()) - MONDAY


def within(found: Step) -> timedelta:
    assert found.within is not None
    return found.within.due_at(MONDAY, Calendar()) - MONDAY


STARTED = [
    ("saas", "usage_limit_approaching", "usage_limit", ("A085", "X10")),
    ("saas", "team_expansion", "team_growth", ("A101",)),
    ("saas", "consistent_overage", "overage_upgrade", ("A148",)),
    ("saas", "usage_cliff_detected", "re_engagement", ("A036",)),
    ("saas", "payment_failure", "billing_rescue", ("A037",)),
    ("saas", "feature_abandonment", "core_feature", ("A038",)),
    ("saas", "notice_given", "retention_offers", ("A144",)),
    ("crypto", "entered_at_risk", "at_risk", ("B112",)),
    ("crypto", "entered_critical", "critical", ("B117",)),
    ("crypto", "login_absence_72h", "absence", ("B096",)),
    ("crypto", "transaction_failures", "technical_trouble", ("B097",)),
    ("crypto", "severe_ticket", "urgent_ticket", ("B098",)),
    ("crypto", "payment_failure", "billing_rescue", ("B099",)),
    ("crypto", "usage_decline", "re_engagement", ("B100",)),
    ("crypto", "feature_adoption_stall", "feature_adoption", ("B101",)),
    ("crypto", "satisfaction_drop", "satisfaction", ("B102",)),
    ("crypto", "api_errors_rise", "technical_trouble", ("B103",)),
    ("crypto", "engagement_trend_negative", "value_programme", ("B104",)),
    ("crypto", "plan_underutilisation", "plan_fit", ("B105",)),
    ("crypto", "volume_growth", "growth", ("B106",)),
    ("crypto", "competitive_activity", "competitor", ("B107",)),
    ("crypto", "score_up_10", "celebrate_health", ("B178",)),
    ("crypto", "features_adopted", "celebrate_features", ("B182",)),
    ("crypto", "community_voice", "thank_community", ("B183",)),
    ("crypto", "usage_grew", "celebrate_use", ("B184",)),
    ("crypto", "referral_made", "thank_for_referral", ("B185",)),
]


@pytest.mark.parametrize(
    ("package", "signal", "name"),
    [pytest.param(*found[:3], marks=pytest.mark.requirement(*found[3])) for found in STARTED],
)
def test_a_signal_starts_its_playbook(package: str, signal: str, name: str) -> None:
    assert choose_start(book(package).playbooks, signal, [], MONDAY).playbook == name


@pytest.mark.requirement("A086", "A091", "A096")
@pytest.mark.parametrize(("name", "day"), [("projection", 0), ("worth_it", 3), ("last_reminder", 7)])
def test_three_mails_follow_a_limit_on_days_0_3_and_7(name: str, day: int) -> None:
    found = step("saas", "usage_limit", name)
    assert isinstance(found, Message)
    assert found.template == f"limit_day_{day}"
    assert after(found) // DAY == day


@pytest.mark.requirement("A090", "A095", "X11")
def test_the_lower_price_stands_to_the_day_of_the_last_mail_which_does_not_speak_of_it() -> None:
    rule = playbook("saas", "usage_limit").offers["upgrade_discount"]
    offer = shipped_templates().settings.offers["upgrade_discount"]
    assert rule.valid_for == 7 * DAY
    assert (str(offer.discount), offer.months) == ("0.5", 1)
    assert step("saas", "usage_limit", "worth_it").offers_mentioned() == ("upgrade_discount",)
    assert step("saas", "usage_limit", "last_reminder").offers_mentioned() == ()


@pytest.mark.requirement("A102", "A103", "A104")
def test_a_team_is_shown_what_it_gains_then_offered_a_trial_and_a_talk() -> None:
    assert within(step("saas", "team_growth", "showcase")) == DAY
    offer = shipped_templates().settings.offers["business_trial"]
    assert offer.days == 30
    about = playbook("saas", "team_growth").offers["business_trial"].about
    assert "team management, advanced analytics and white label" in about
    talk = step("saas", "team_growth", "consultation")
    assert isinstance(talk, Message)
    assert (talk.sender, talk.template) == ("csm", "scaling_consultation")


@pytest.mark.requirement("A036", "A037", "A038")
def test_alerts_are_answered_in_time() -> None:
    assert after(step("saas", "re_engagement", "question")) == timedelta(0)
    support = step("saas", "billing_rescue", "support")
    assert isinstance(support, Task)
    assert (support.role, within(support)) == ("support", 2 * HOUR)
    assert step("saas", "core_feature", "tutorial").after.words == "next_business_day"


@pytest.mark.requirement("A053", "A054", "A055", "A056")
def test_each_retention_offer_is_only_for_accounts_that_it_fits() -> None:
    offers = playbook("saas", "retention_offers").offers
    assert offers.keys() == {"billing_pause", "plan_downgrade", "dedicated_support", "custom_solutions"}
    assert all(rule.eligible is not None for rule in offers.values())
    texts = shipped_templates().settings.offers
    assert (texts["billing_pause"].months, texts["plan_downgrade"].days) == (3, 90)


@pytest.mark.requirement("B113", "B114", "B115", "B116")
def test_the_at_risk_protocol_counts_from_the_start() -> None:
    names = ("concern", "expert", "value", "leadership")
    found = [step("crypto", "at_risk", name) for name in names]
    assert [after(one) for one in found] == [timedelta(0), HOUR, 2 * HOUR, 24 * HOUR]
    assert [tuple(one.roles()) for one in found] == [("csm",), ("expert",), ("csm",), ("vp_customer_success",)]
    assert isinstance(found[1], Consult)
    assert found[0].template_ids() == ("at_risk_concern",)
    assert found[2].template_ids() == ("value_reinforcement",)
    only_if = found[3].only_if
    assert only_if is not None
    assert [gate.kind for gate in only_if.gates] == ["no_improvement"]


@pytest.mark.requirement("B118", "B119", "B120", "B121")
def test_the_critical_protocol_counts_from_the_start() -> None:
    call, assessment = (step("crypto", "critical", name) for name in ("phone_call", "assessment"))
    executives, solution = (step("crypto", "critical", name) for name in ("executives", "solution"))
    assert isinstance(call, Task)
    assert (call.role, call.document) == ("csm", "critical_call_script")
    assert isinstance(executives, Notify)
    assert tuple(executives.notify) == ("vp_customer_success", "cto", "ceo")
    assert assessment.roles() == ("expert",)
    assert isinstance(assessment, Consult)
    assert [after(one) for one in (call, assessment, executives, solution)] == [
        timedelta(0),
        30 * MINUTE,
        HOUR,
        2 * HOUR,
    ]


@pytest.mark.requirement("B137")
def test_what_fails_is_diagnosed_for_the_expert_within_a_quarter_of_an_hour() -> None:
    found = step("crypto", "technical_trouble", "expert")
    assert isinstance(found, Consult)
    assert (found.role, found.expert, within(found)) == ("expert", "explained", 15 * MINUTE)
    assert {"transaction_success_rate", "api_error_rate"} <= set(found.metrics)


@pytest.mark.requirement("B141", "B182")
@pytest.mark.parametrize("package", ["saas", "crypto"])
def test_taking_up_features_is_celebrated_at_once_in_the_product_and_told_to_the_success_manager(package: str) -> None:
    found = step(package, "celebrate_features", "cheer")
    assert isinstance(found, Celebrate)
    assert (after(found), tuple(found.notify)) == (timedelta(0), ("csm",))


@pytest.mark.requirement("B055", "B060")
@pytest.mark.parametrize(("name", "days"), [("thrive", 7), ("value_programme", 14)])
def test_check_ins_come_at_the_rhythm_of_the_band(name: str, days: int) -> None:
    dates = [after(one) // DAY for one in playbook("crypto", name).steps if one.id.startswith("check_in")]
    assert dates == [days * count for count in range(1, len(dates) + 1)]
    assert len(dates) >= 3


@pytest.mark.requirement("B126", "B127", "B138")
def test_the_roadmap_and_the_benchmark_are_documents() -> None:
    for name, step_id, template in (
        ("feature_adoption", "roadmap", "document_adoption_roadmap"),
        ("value_programme", "benchmark", "document_benchmark"),
    ):
        found = step("crypto", name, step_id)
        assert isinstance(found, Document)
        assert found.template == template


@pytest.mark.requirement("B130", "B131", "B132", "B133")
def test_the_community_is_opened_step_by_step() -> None:
    assert step("crypto", "value_programme", "groups").template_ids() == ("community_invitation",)
    assert isinstance(step("crypto", "value_programme", "peers"), Task)
    assert step("crypto", "value_programme", "office_hours").template_ids() == ("office_hours",)
    assert isinstance(step("crypto", "thank_community", "host_group"), Task)
