"""The shipped packages pass every check that a package of somebody else must pass."""

import pytest

from keepwell.health.checks.check import inspect_package
from keepwell.health.raw_signal import signal_weights
from keepwell.health.score import points
from tests.packages.shipped import SHIPPED, shipped, text_of


@pytest.mark.parametrize("package", SHIPPED)
def test_a_shipped_package_has_no_error(package: str) -> None:
    issues = inspect_package(text_of(package), {name: text_of(name) for name in SHIPPED})
    assert [str(issue) for issue in issues if issue.level == "error"] == []


@pytest.mark.requirement("X35")
def test_a_raw_signal_that_counts_several_times_is_told() -> None:
    issues = inspect_package(text_of("crypto"), {name: text_of(name) for name in SHIPPED})
    assert [issue for issue in issues if "'features_in_use'" in issue.sentence and "7.5 of 100" in issue.sentence]


@pytest.mark.requirement("X35")
def test_what_hangs_on_the_community_in_all_is_known() -> None:
    weights = {str(one.signal): one for one in signal_weights(shipped("crypto"), shipped("crypto").models["crypto"])}
    posts = weights["community_posted"]
    assert set(posts.metrics) == {"community_participation", "forum_participation"}
    assert points(posts.nano) == pytest.approx(6.25)
