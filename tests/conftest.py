"""What every test gets: no network, fixed seeds, and an account of what was not run."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings

from tests.java import missing_java, spark_is_required
from tests.node import clients_are_required, missing_clients

pytest_plugins = ["pytester", "tests.mission", "tests.network"]

# The same examples on every run: a test that fails, fails for everybody.
settings.register_profile(
    "fixed", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")

_MISSING = pytest.StashKey[str]()


@dataclass(frozen=True, slots=True)
class Need:
    """What the tests with a marker need: why it is missing, if it is, and whether somebody requires it."""

    marker: str
    missing: Callable[[], str | None]
    is_required: Callable[[], bool]
    asked: str


NEEDS = (
    Need("spark", missing_java, spark_is_required, "KEEPWELL_REQUIRE_SPARK=1 asks for the Spark tests"),
    Need(
        "clients", missing_clients, clients_are_required, "KEEPWELL_REQUIRE_CLIENTS=1 asks for the tests with clients"
    ),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that lack what they need are skipped, unless somebody requires them."""
    for need in NEEDS:
        marked = [item for item in items if item.get_closest_marker(need.marker)]
        missing = need.missing() if marked else None
        if missing is None:
            continue
        for item in marked:
            if need.is_required():
                item.stash[_MISSING] = f"{need.asked}, but {missing}"
            else:
                item.add_marker(pytest.mark.skip(reason=missing))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if _MISSING in item.stash:
        pytest.fail(item.stash[_MISSING], pytrace=False)
