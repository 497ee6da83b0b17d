"""What the shipped messages say on each occasion: worries, successes, offers."""

import re
from typing import Any

import pytest

from tests.unit.playbooks.test_template_shipped import BOOKS, mail, said


def sample(name: str, package: str) -> dict[str, Any]:
    book = BOOKS[package]
    return dict(book.sample(book.templates[name]))


@pytest.mark.requirement("B077")
def test_success_is_celebrated_with_its_figures() -> None:
    found = said("celebrate_use", "crypto")
    assert "I noticed how active Acme has been" in found
    assert "- 150% more use than in the month before" in found
    assert "wanted to celebrate it with you" in found


@pytest.mark.requirement("B078", "X26")
def test_a_concern_asks_and_guesses_at_nothing() -> None:
    found = said("absence_question", "crypto")
    assert "Hi Ada,\n\nI wanted to check in, because nobody at Acme has signed in for a few days." in found
    assert "Is everything okay?" in found
    assert "because of" not in found


@pytest.mark.requirement("B079")
def test_support_is_offered_for_what_the_account_tries() -> None:
    found = said("offering_support", "crypto")
    assert "has begun to use Mining pools. That's exciting!" in found
    assert "good practices that could help with your set-up. Would you like me to share them?" in found


@pytest.mark.requirement("B186", "B187", "B188", "B189", "B190", "B191", "B192", "B193", "X39", "X41")
def test_the_celebration_with_the_score_says_all_that_it_must() -> None:
    whole = sample("celebrate_score", "crypto")
    score = {**whole["score"], "value": 85, "change": 13, "band": "HEALTHY"}
    usage = {
        **whole["usage"],
        "score_before": 72,
        "score_window": "over the past two weeks",
        "usage_growth": 0.45,
        "new_features": 3,
        "volume_change": 2,
        "uptime": 0.98,
    }
    found = mail("celebrate_score", "crypto", score=score, usage=usage)
    assert found.subject == "Incredible Progress - Your Health Score Just Hit 85!"
    assert "Hi Ada," in found.text
    assert "from 72 to 85 over the past two weeks, by 13 points within a month." in found.text
    assert "- 45% more use of the platform\n- 3 new features taken up\n- 200% more volume" in found.text
    assert "- 98% uptime with your integrations" in found.text
    assert "This puts you in our HEALTHY group." in found.text
    assert "Would you have time for a brief call?" in found.text
    assert found.text.endswith("Sam Sample\nCustomer Success Manager\n")
    assert found.subject.isascii()


@pytest.mark.requirement("X39")
@pytest.mark.parametrize("package", BOOKS)
def test_without_the_policy_no_score_is_told(package: str) -> None:
    whole = sample("celebrate_health", package)
    told = mail("celebrate_health", package, score={**whole["score"], "value": 85.25}).text
    assert "85" not in told
    assert "score" not in told.lower()


@pytest.mark.requirement("A099", "A103")
def test_the_offers_of_campaigns_say_what_they_hold() -> None:
    assert "a call to get you started on the new plan is free" in said("limit_day_7")
    trial = said("business_trial")
    assert "for 30 days, free" in trial
    for part in ("Team management", "Advanced analytics", "White label"):
        assert part in trial


@pytest.mark.requirement("A102", "A104")
def test_a_team_reads_what_it_gains_and_how_to_grow() -> None:
    assert "Together it does more than for each alone" in said("team_showcase")
    assert "If other teams are to follow" in said("scaling_consultation")


@pytest.mark.requirement("A053", "A054", "A055")
def test_each_retention_offer_tells_how_far_it_goes() -> None:
    for package in BOOKS:
        assert "for up to 3 months" in said("offer_billing_pause", package)
        assert "stays open to you for 90 days" in said("offer_plan_downgrade", package)
        assert "free set-up and training sessions" in said("offer_dedicated_support", package)


@pytest.mark.parametrize("package", BOOKS)
def test_mails_about_payments_sell_nothing(package: str) -> None:
    for name in ("payment_failed", "payment_reminder"):
        assert BOOKS[package].templates[name].head.purpose == "service"
        assert "plan" not in said(name, package).lower()


# Mails that a protocol cannot do without, and what they rest on where nobody has given more than the metrics.
NEEDED = [
    ("saas", "critical_ceo"),
    ("saas", "high_risk_csm"),
    ("saas", "at_risk_day_1"),
    ("saas", "value_report"),
    ("saas", "monthly_value_summary"),
    ("saas", "final_retention_offer"),
    ("saas", "payment_failed"),
    ("saas", "limit_day_0"),
    ("saas", "integration_showcase"),
    ("crypto", "at_risk_concern"),
    ("crypto", "value_reinforcement"),
    ("crypto", "critical_call_script"),
    ("crypto", "executive_follow_up"),
    ("crypto", "adoption_roadmap"),
    ("crypto", "value_summary"),
    ("crypto", "offering_support"),
    ("crypto", "celebrate_health"),
    ("crypto", "celebrate_score"),
]


@pytest.mark.parametrize(("package", "name"), NEEDED)
def test_what_must_be_sent_can_be_sent_with_the_metrics_alone(package: str, name: str) -> None:
    whole, fields = sample(name, package), BOOKS[package].settings.usage
    usage = {field: value for field, value in whole["usage"].items() if fields[field].metric is not None}
    found = mail(name, package, usage=usage, reasons=[])
    assert "Ada" in found.text
    assert not re.search(r" [,.!?:]|\(\)|\n- ?\n", found.text)
