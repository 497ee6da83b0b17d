"""Arms and the holdout: the same for ever, and the same as GrowthBook's SDKs say."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.playbooks.arm import assign_arm
from keepwell.playbooks.enrolment import HOLDOUT

HUNDRED = {f"at_{number:02}": 1.0 for number in range(100)}


@pytest.mark.parametrize(
    ("seed", "account", "place"),
    # What `gbhash(seed, value, 2)` of GrowthBook's Python SDK 4.0.0 gives.
    [
        ("seed", "a", 0.0505),
        ("seed", "b", 0.2696),
        ("foo", "ab", 0.2575),
        ("foo", "def", 0.2019),
        ("89123", "8952123", 0.7939),
        ("critical", "acme-é", 0.6589),
        ("critical", "東京😀", 0.1937),
    ],
)
def test_the_hash_is_that_of_growthbook(seed: str, account: str, place: float) -> None:
    assert assign_arm(seed, account, HUNDRED, 0) == f"at_{int(place * 100):02}"


def test_arms_get_their_shares_and_the_holdout_its_own() -> None:
    found = Counter(assign_arm("critical", f"account-{n}", {"a": 3, "b": 1}, 0.2) for n in range(20_000))
    assert found["a"] / 20_000 == pytest.approx(0.6, abs=0.01)
    assert found["b"] / 20_000 == pytest.approx(0.2, abs=0.01)
    assert found[HOLDOUT] / 20_000 == pytest.approx(0.2, abs=0.01)


def test_without_arms_an_account_is_in_none_or_held_out() -> None:
    assert {assign_arm("critical", f"account-{n}", {}, 0) for n in range(100)} == {""}
    assert {assign_arm("critical", f"account-{n}", {}, 0.5) for n in range(100)} == {"", HOLDOUT}


def test_two_playbooks_hold_out_different_accounts() -> None:
    held = [{n for n in range(1000) if assign_arm(seed, str(n), {}, 0.5) == HOLDOUT} for seed in ("one", "two")]
    assert 150 < len(held[0] & held[1]) < 350


@given(st.text(max_size=20), st.floats(0, 0.5), st.floats(0, 0.49))
def test_a_larger_holdout_moves_nobody_between_arms(account: str, holdout: float, more: float) -> None:
    arms = {"a": 2.0, "b": 1.0, "c": 1.0}
    before, after = assign_arm("one", account, arms, holdout), assign_arm("one", account, arms, holdout + more)
    assert after in (before, HOLDOUT)
