"""Every check of signal rules: what it says, and where."""

from pathlib import Path

import pytest

from keepwell.base.registry import kinds
from keepwell.health.load import load_package
from keepwell.health.package import PackageText
from keepwell.signals import checks
from keepwell.signals.check import SignalCheck, inspect_whole
from keepwell.signals.load import load_signals
from tests.unit.health.samples import METRICS, sample

WEIGHED = (
    "      - metric: seats\n        weight: 15\n        scale: {kind: steps, steps: [[0, 0], [5, 50], [20, 100]]}\n"
)


def with_alert(when: str, more: str = "", *, text: PackageText | None = None) -> PackageText:
    """The sample package with one alert."""
    alerts = f"alerts:\n  one:\n    title: One\n    severity: low\n    when: {when}\n{more}"
    base = text or sample()
    return PackageText(base.folder, {**base.files, "alerts.yaml": alerts})


def without_seats() -> PackageText:
    model = sample().files["model.yaml"]
    assert WEIGHED in model
    return sample(model=model.replace(WEIGHED, ""))


UNUSED = (
    "metrics.yaml:17: warning: no health model and no signal of this package reads 'seats'; pages may still read them."
)
CASES = {
    "metrics_used": [(with_alert("{score: {below: 5}}", text=without_seats()), UNUSED)],
    "known_parts": [
        (with_alert("{metric: {seat: 5}}"), "alerts.yaml:2: 'one': unknown metric 'seat'. Did you mean 'seats'?"),
        (with_alert("{band: nowhere}"), "alerts.yaml:2: 'one': unknown band 'nowhere'."),
        (with_alert("{segment: nobody}"), "alerts.yaml:2: 'one': unknown segment 'nobody'."),
        (with_alert("{score: {below: 5}}", "    policy: none\n"), "alerts.yaml:2: 'one': unknown policy 'none'."),
        (with_alert("{score: {below: 5}}", "    supersedes: [two]\n"), "alerts.yaml:2: 'one': unknown alert 'two'."),
        (
            with_alert("{score: {below: 5}}", "    until: {metric: {seat: 5}}\n"),
            "alerts.yaml:2: 'one': unknown metric 'seat'. Did you mean 'seats'?",
        ),
    ],
    "known_events": [
        (with_alert("{event: {events: [gone]}}"), "alerts.yaml:2: 'one': unknown event 'gone'."),
        (
            with_alert("{event: {events: [paid], where: {amout: 5}}}"),
            "alerts.yaml:2: 'one': none of its events carries the property 'amout'. Did you mean 'amount'?",
        ),
        (
            with_alert("{event: {events: [paid], where: {amount: {mentions: [rival]}}}}"),
            "alerts.yaml:2: 'one': it reads 'amount' as text, but the catalogue declares number.",
        ),
    ],
    "no_circles": [
        (
            with_alert("{score: {below: 5}}", "    supersedes: [one]\n"),
            "alerts.yaml:2: alerts name each other in a circle: one → one.",
        )
    ],
}
EACH = [(kind, text, expected) for kind, found in CASES.items() for text, expected in found]


@pytest.mark.parametrize(("kind", "text", "expected"), EACH, ids=[f"{kind}-{e[:60]}" for kind, _, e in EACH])
def test_a_check_says_what_is_wrong_and_where(kind: str, text: PackageText, expected: str) -> None:
    check = kinds("keepwell.signals.checks", SignalCheck)[kind]()
    found = check.issues(load_signals(text, load_package(text, {})))
    assert [str(issue).removeprefix("models/sample/") for issue in found] == [expected]


def test_a_metric_that_a_signal_reads_is_in_use() -> None:
    found = inspect_whole(with_alert("{metric: {seats: {below: 2}}}", text=without_seats()), {})
    assert [str(issue) for issue in found if "'seats'" in issue.sentence] == []


def test_nothing_is_called_unused_while_a_rule_cannot_be_read() -> None:
    found = inspect_whole(with_alert("{scoer: {below: 5}}", text=without_seats()), {})
    assert [issue.level for issue in found if issue.file.endswith(("alerts.yaml", "metrics.yaml"))] == ["error"]


def test_every_check_has_a_case_a_file_and_a_text_for_its_reader() -> None:
    found = kinds("keepwell.signals.checks", SignalCheck)
    files = {path.stem for path in Path(next(iter(checks.__path__))).glob("*.py")} - {"__init__"}
    assert set(found) == files == set(CASES)
    assert all(len((__import__(one.__module__, fromlist=["x"]).__doc__ or "").split()) > 8 for one in found.values())
    assert "seats" in METRICS
