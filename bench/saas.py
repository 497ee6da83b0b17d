"""The health model of `saas`, its metrics and its signal rules, as the package tells them."""

from functools import cache
from pathlib import Path
from typing import Final

from keepwell.health.health_model import HealthModel
from keepwell.health.load import load_package
from keepwell.health.package import Package, PackageText
from keepwell.metrics.metric import Metric
from keepwell.signals.book import SignalBook
from keepwell.signals.load import load_signals

FOLDER: Final = Path(__file__).parents[1] / "src" / "keepwell" / "models" / "saas"


def model_metrics() -> dict[str, Metric]:
    """The metrics that the score weighs, in the order of the model."""
    return dict(_package().metrics_of(model()))


def model() -> HealthModel:
    return _package().models["saas"]


def signals() -> SignalBook:
    return load_signals(_text(), _package())


@cache
def _package() -> Package:
    return load_package(_text(), {})


def _text() -> PackageText:
    return PackageText("saas", {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yaml")})
