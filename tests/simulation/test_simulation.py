"""No promise is broken in any of these stories; `make test-long` tells two hundred more."""

from pathlib import Path

import pytest

from tests.simulation.story import ALWAYS, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("seed", range(5))
def test_no_promise_is_broken(tmp_path: Path, seed: int) -> None:
    story = tell(tmp_path, seed, accounts=30, days=45)
    assert story.broken == []
    lacking = [what for what in ALWAYS if not story.sometimes[what]]
    assert not lacking, f"seed {seed} never came to: {lacking}"
