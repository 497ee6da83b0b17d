"""The metrics of the health model of `saas`, as the package tells them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from keepwell.base.registry import kinds
from keepwell.metrics.metric import Metric

FOLDER: Final = Path(__file__).parents[1] / "src" / "keepwell" / "models" / "saas"


def model_metrics() -> dict[str, Metric]:
    """The 17 metrics that the score weighs, in the order of the model."""
    told = _read("metrics.yaml")["metrics"]
    found = kinds("keepwell.metrics.kinds", Metric)
    names = [name for group in _read("model.yaml")["groups"] for name in _measured(group)]
    return {name: found[told[name]["kind"]].model_validate(told[name]) for name in names}


def _measured(part: Mapping[str, Any]) -> Iterator[str]:
    if "metric" in part:
        yield part["metric"]
    for below in part.get("parts", ()):
        yield from _measured(below)


def _read(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found
