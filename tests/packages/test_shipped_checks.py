"""The shipped packages pass every check that a package of somebody else must pass."""

import pytest

from keepwell.health.checks.check import inspect_package
from tests.packages.shipped import SHIPPED, text_of


@pytest.mark.parametrize("package", SHIPPED)
def test_a_shipped_package_has_no_error(package: str) -> None:
    issues = inspect_package(text_of(package), {name: text_of(name) for name in SHIPPED})
    assert [str(issue) for issue in issues if issue.level == "error"] == []


@pytest.mark.requirement("X35")
def test_a_raw_signal_that_counts_several_times_is_told() -> None:
    issues = inspect_package(text_of("crypto"), {name: text_of(name) for name in SHIPPED})
    assert [issue for issue in issues if "'features_in_use'" in issue.sentence and "7.5 of 100" in issue.sentence]
