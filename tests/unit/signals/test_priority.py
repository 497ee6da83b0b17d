"""The order of the day: each part counts, none counts twice, and nothing saves more than the account pays."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.signals.priority import ASSUMED, AtStake, PriorityRule, priority

RULE = PriorityRule()
SHARES = st.floats(0, 1)
MRRS = st.none() | st.decimals(0, 10**7, places=2, allow_nan=False)
STAKES = st.builds(
    AtStake,
    mrr=MRRS,
    tier=st.sampled_from([None, *ASSUMED]),
    worst=st.sampled_from([None, "critical", "high", "medium", "low"]),
    days_to_renewal=st.none() | st.floats(-400, 800),
    is_notice_given=st.booleans(),
    is_ended=st.booleans(),
)
RULES = st.builds(
    PriorityRule,
    probability=st.dictionaries(st.sampled_from(list(ASSUMED)), SHARES),
    critical_alert=SHARES,
    high_alert=SHARES,
    notice_given=SHARES,
    far_renewal=SHARES,
    renewal_days=st.integers(1, 730),
)


@given(STAKES, RULES)
def test_nothing_saves_more_than_the_account_pays_in_a_year(stake: AtStake, rule: PriorityRule) -> None:
    found = priority(stake, rule)
    assert 0 <= found.probability <= 1
    assert 0 <= found.changeable <= 1
    if stake.mrr is None:
        assert (found.arr, found.saving) == (None, None)
    else:
        assert found.arr == stake.mrr * 12
        assert found.saving is not None
        assert 0 <= found.saving <= found.arr


@given(STAKES, RULES, st.decimals(0, 10**7, places=2, allow_nan=False))
def test_more_revenue_never_comes_later(stake: AtStake, rule: PriorityRule, more: Decimal) -> None:
    before = priority(replace(stake, mrr=stake.mrr or Decimal(0)), rule).saving
    after = priority(replace(stake, mrr=(stake.mrr or Decimal(0)) + more), rule).saving
    assert before is not None
    assert after is not None
    assert after >= before


@given(STAKES, RULES)
def test_a_grave_alert_only_raises_the_probability(stake: AtStake, rule: PriorityRule) -> None:
    calm = priority(replace(stake, worst="low"), rule)
    for worst, least in (("critical", rule.critical_alert), ("high", rule.high_alert)):
        found = priority(replace(stake, worst=worst), rule)
        assert found.probability == max(calm.probability, least)
        assert found.changeable == calm.changeable


@given(STAKES)
def test_what_is_settled_can_change_least(stake: AtStake) -> None:
    here = replace(stake, is_ended=False, is_notice_given=False, days_to_renewal=30.0)
    later, noticed, ended = ({"days_to_renewal": 400.0}, {"is_notice_given": True}, {"is_ended": True})
    steps = [here, *(replace(here, **change) for change in (later, noticed, ended))]  # type: ignore[arg-type]
    assert [priority(one, RULE).changeable for one in steps] == [1.0, 0.6, 0.5, 0.0]


@pytest.mark.parametrize(("tier", "share"), [*ASSUMED.items(), (None, ASSUMED["watch"])])
def test_the_probability_is_that_of_the_tier(tier: str | None, share: float) -> None:
    stake = AtStake(Decimal(100), tier, None, None, is_notice_given=False, is_ended=False)  # type: ignore[arg-type]
    assert priority(stake, RULE).probability == share
    assert priority(stake, PriorityRule(probability={"watch": 0.9})).probability == (
        0.9 if tier in (None, "watch") else share
    )
