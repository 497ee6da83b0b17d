"""`docs/packages.md` says of the shipped packages what their files say."""

import re
from pathlib import Path

import pytest

from keepwell.health.health_model import HealthModel
from tests.packages.shipped import groups, measures_of, shipped

TEXT = (Path(__file__).parents[2] / "docs" / "packages.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def written(model: HealthModel, text: str) -> dict[str, dict[str, str]]:
    """Group → metric → weight as written, empty where none is, of the table's rows about this model."""
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.MULTILINE)
    found = {group: dict(re.findall(r"`(\w+)`(?: (\d+))?", cells)) for group, cells in rows}
    return {group: metrics for group, metrics in found.items() if group in groups(model)}


@pytest.mark.parametrize(("package", "name"), [("saas", "saas"), ("crypto", "crypto"), ("crypto", "technical")])
def test_the_tables_show_every_group_with_its_measures(package: str, name: str) -> None:
    model = shipped(package).models[name]
    assert written(model, section(package)) == {
        id_: {metric: "" if one.weight is None else str(one.weight) for metric, one in measures_of(group).items()}
        for id_, group in groups(model).items()
        if measures_of(group)
    }


@pytest.mark.parametrize("package", ["saas", "crypto"])
def test_the_bands_are_named_with_their_edges(package: str) -> None:
    line = ", ".join(f"{band.label} from {band.lo}" for band in shipped(package).models[package].bands)
    assert f"Bands: {line}." in section(package)
