"""What every test gets: no network, fixed seeds, and an account of what was not run."""

import pytest
from hypothesis import HealthCheck, settings

from tests.java import missing_java, spark_is_required

pytest_plugins = ["pytester", "tests.mission", "tests.network"]

# The same examples on every run: a test that fails, fails for everybody.
settings.register_profile(
    "fixed", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")

_MISSING_JAVA = pytest.StashKey[str]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spark tests are skipped where there is no Java for them, unless somebody requires them."""
    spark = [item for item in items if item.get_closest_marker("spark")]
    missing = missing_java() if spark else None
    if missing is None:
        return
    for item in spark:
        if spark_is_required():
            item.stash[_MISSING_JAVA] = missing
        else:
            item.add_marker(pytest.mark.skip(reason=missing))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if _MISSING_JAVA in item.stash:
        pytest.fail(
            f"KEEPWELL_REQUIRE_SPARK=1 asks for the Spark tests, but {item.stash[_MISSING_JAVA]}", pytrace=False
        )
