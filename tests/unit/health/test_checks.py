"""Every rule a package must pass: what it says, and where."""
# Each sentence stands in one piece, as it is shown.
# ruff: noqa: E501

from pathlib import Path

import pytest

from keepwell.base.registry import kinds
from keepwell.health.checks import rules
from keepwell.health.checks.check import Check, Issue, check_package
from keepwell.health.load import load_package
from keepwell.health.package import PackageText
from tests.unit.health.samples import CATALOGUE, METRICS, MODEL, sample, shipped

EQUAL = MODEL.replace("title: Money\n", "title: Money\n    weights: equal\n")


def issues(text: PackageText) -> list[Issue]:
    return check_package(load_package(text, {}))


def model(old: str, new: str) -> PackageText:
    assert old in MODEL
    return sample(model=MODEL.replace(old, new, 1))


def metrics(old: str, new: str) -> PackageText:
    assert old in METRICS
    return sample(metrics=METRICS.replace(old, new, 1))


def catalogue(old: str, new: str) -> PackageText:
    assert old in CATALOGUE
    return sample(catalogue=CATALOGUE.replace(old, new, 1))


MIX = """\
  one: {title: One, kind: mix, unit: share, better: up, of: {two: 1}}
  two: {title: Two, kind: mix, unit: share, better: up, of: {one: 1}}
"""
TWICE = """\
      - metric: payments
        weight: 10
        scale: {kind: linear, from: 0, to: 4}
  - id: extra
    title: Extra
    weight: 5
    parts:
      - metric: payments
        weight: 5
        scale: {kind: linear, from: 0, to: 2}
"""
CASES = {
    "weights_add_up": [
        (
            model("weight: 25", "weight: 20"),
            "model.yaml:16: weights of group 'money' add up to 35; the group weighs 40.",
        ),
        (
            model("weight: 15", "weight: 15.000000001"),
            "model.yaml:16: weights of group 'money' add up to 40.000000001; the group weighs 40.",
        ),
        (
            model("weight: 40", "weight: 41"),
            "model.yaml:8: weights of the groups of 'small' add up to 101; the score weighs 100.",
        ),
        (
            model("        weight: 25\n", ""),
            "model.yaml:20: measure 'payments' has no weight; give it one, or write 'weights: equal' in group 'money'.",
        ),
        (
            sample(model=EQUAL),
            "model.yaml:22: measure 'payments' carries a weight, but the parts of group 'money' weigh equally; remove it.",
        ),
        (model("    weight: 40\n", ""), "model.yaml:16: group 'money' has no weight."),
    ],
    "weights_positive": [
        (model("weight: 15", "weight: -15"), "model.yaml:24: measure 'seats' weighs -15; a weight is above 0."),
        (model("weight: 40", "weight: 0"), "model.yaml:18: group 'money' weighs 0; a weight is above 0."),
    ],
    "known_metrics": [
        (model("metric: seats", "metric: saets"), "model.yaml:23: unknown metric 'saets'. Did you mean 'seats'?"),
        (
            sample(metrics=METRICS + MIX.replace("{two: 1}", "{seat: 1}")),
            "metrics.yaml:24: metric 'one': unknown metric 'seat'. Did you mean 'seats'?",
        ),
    ],
    "known_events": [
        (
            metrics("[signed_in]", "[singed_in]"),
            "metrics.yaml:7: metric 'active_rate': unknown event 'singed_in'. Did you mean 'signed_in'?",
        ),
        (
            metrics("[signed_in]", "[Login]"),
            "metrics.yaml:7: metric 'active_rate': unknown event 'Login'. That is an alias of 'signed_in'.",
        ),
    ],
    "known_properties": [
        (
            metrics("on_time:", "ontime:"),
            "metrics.yaml:15: metric 'payments': none of its events carries the property 'ontime'. Did you mean 'on_time'?",
        ),
        (
            metrics("property: amount", "property: amuont"),
            "metrics.yaml:23: metric 'seats': none of its events carries the property 'amuont'. Did you mean 'amount'?",
        ),
        (
            metrics("on_time: true", "on_time: 'yes'"),
            "metrics.yaml:15: metric 'payments': it reads 'on_time' as text, but the catalogue declares boolean.",
        ),
    ],
    "one_type_per_property": [
        (
            catalogue("how: {type: text}", "amount: {type: text}"),
            "catalogue.yaml:11: event 'paid': 'amount' is number here and text in 'signed_in'.",
        ),
    ],
    "aliases_clear": [
        (
            catalogue("[Login]", "[Login, paid]"),
            "catalogue.yaml:4: the alias 'paid' of event 'signed_in' is the name of another event.",
        ),
        (
            catalogue("title: Paid\n", "title: Paid\n    aliases: [Login]\n"),
            "catalogue.yaml:10: the alias 'Login' of event 'paid' is already one of 'signed_in'.",
        ),
        (
            catalogue("[Login]", "[Login, Login]"),
            "catalogue.yaml:4: the alias 'Login' of event 'signed_in' is given twice.",
        ),
        (
            catalogue("[Login]", "[signed_in]"),
            "catalogue.yaml:4: the alias 'signed_in' of event 'signed_in' is its own name; remove it.",
        ),
    ],
    "bands_cover": [
        (model("lo: 0,", "lo: 1,"), "model.yaml:5: the first band, 'low', begins at 1; it must begin at 0."),
        (model("lo: 50", "lo: 0"), "model.yaml:6: band 'high' begins at 0, not above 0 where 'low' begins."),
        (
            model("lo: 50", "lo: 100"),
            "model.yaml:6: band 'high' begins at 100; a band begins at 0 or above and below 100.",
        ),
        (
            model("lo: 0,", "lo: 0, hi: 40,"),
            "model.yaml:5: band 'low' ends at 40 and leaves a gap: 'high' begins at 50.",
        ),
        (model("lo: 0,", "lo: 0, hi: 60,"), "model.yaml:5: band 'low' ends at 60 and overlaps: 'high' begins at 50."),
        (
            model("lo: 50", "lo: 50, hi: 99"),
            "model.yaml:6: band 'high' ends at 99 and leaves a gap: the highest band ends at 100.",
        ),
        (
            model("  - {id: high, lo: 50, label: HIGH, colour: green, icon: disc, tier: grow}\n", ""),
            "model.yaml:4: a health model needs at least 2 bands; 'small' has 1.",
        ),
    ],
    "unique_ids": [
        (model("id: high", "id: low"), "model.yaml:6: band 'low' is given twice; first on line 5."),
        (
            model("id: high", "id: unknown"),
            "model.yaml:6: 'unknown' is what an account without a score has; rename the band.",
        ),
        (model("id: money", "id: usage"), "model.yaml:16: group 'usage' is given twice; first on line 9."),
        (
            model("metric: seats", "metric: payments"),
            "model.yaml:23: group 'money': metric 'payments' is given twice; first on line 20.",
        ),
    ],
    "scales_ascend": [
        (
            model("[[0, 0], [0.7, 100]]", "[[0.7, 0], [0.7, 100]]"),
            "model.yaml:15: measure 'active_rate': the scale goes from 0.7 to 0.7; its values must ascend.",
        ),
        (
            model("[20, 100]", "[20, 101]"),
            "model.yaml:25: measure 'seats': the scale gives 101 points at 20; expected 0 to 100.",
        ),
        (
            model("from: 0, to: 4", "from: 4, to: 4"),
            "model.yaml:22: measure 'payments': the scale goes from 4 to 4; its values must ascend.",
        ),
    ],
    "scales_agree": [
        (
            model("from: 0, to: 4", "from: 4, to: 0"),
            "model.yaml:22: measure 'payments': more is better, but the scale falls; mend the scale, or the metric's 'better: up'.",
        ),
        (
            metrics("better: up", "better: down"),
            "model.yaml:15: measure 'active_rate': less is better, but the scale rises; mend the scale, or the metric's 'better: down'.",
        ),
    ],
    "scales_matter": [
        (
            model("[[0, 0], [5, 50], [20, 100]]", "[[0, 50], [5, 50]]"),
            "model.yaml:25: measure 'seats': the scale gives every value the same points.",
        ),
    ],
    "known_bands": [
        (model("except: [low]", "except: [lwo]"), "model.yaml:7: hysteresis: unknown band 'lwo'. Did you mean 'low'?"),
    ],
    "hysteresis_fits": [
        (
            model("leave_margin: 2", "leave_margin: 50"),
            "model.yaml:7: leave_margin is 50, but band 'low' is only 50 wide.",
        ),
    ],
    "missing_sensible": [
        (
            model("groups:", "missing: {default: {neutral: 50}}\ngroups:"),
            "model.yaml:8: every measure counts without a value; let at least one be redistributed or excluded.",
        ),
        (
            model("weight: 15\n", "weight: 15\n        fresh_within: 36h\n"),
            "model.yaml:25: measure 'seats': fresh_within must be whole days, at least '1d'.",
        ),
        (
            sample(
                model=MODEL.replace("weight: 40", "weight: 35")
                .replace("        weight: 25\n", "        weight: 10\n        fresh_within: 30d\n")
                .replace("weight: 15", "weight: 25")
                + "\n".join(TWICE.splitlines()[3:])
            ),
            "model.yaml:31: metric 'payments' has another fresh_within elsewhere in the model; give it the same.",
        ),
    ],
    "no_cycles": [
        (sample(metrics=METRICS + MIX), "metrics.yaml:24: metrics use each other in a circle: one → two → one."),
    ],
    "counted_once": [
        (
            sample(
                model=MODEL.replace("weight: 40", "weight: 35").replace("weight: 25", "weight: 20")
                + "\n".join(TWICE.splitlines()[3:])
            ),
            "model.yaml:30: warning: metric 'payments' is weighed 2 times; together it weighs 25 of 100.",
        ),
        (
            sample(
                metrics=METRICS.replace("kind: last_value", "kind: mean\n    days: 30")
                .replace("kind: count", "kind: sum\n    property: amount")
                .replace("    where: {on_time: true}\n", "")
            ),
            "model.yaml:23: warning: 'payments' and 'seats' read the same raw signal; together they weigh 40 of 100.",
        ),
    ],
}
EACH = [(kind, text, expected) for kind, found in CASES.items() for text, expected in found]


@pytest.mark.parametrize(
    ("kind", "text", "expected"), EACH, ids=[f"{kind}-{number}" for number, (kind, *_) in enumerate(EACH)]
)
def test_a_rule_says_what_is_wrong_and_where(kind: str, text: PackageText, expected: str) -> None:
    rule = kinds("keepwell.health.checks.rules", Check)[kind]()
    found = [str(issue).removeprefix("models/sample/") for issue in rule.issues(load_package(text, {}))]
    assert expected in found


def test_a_sound_package_has_nothing_against_it() -> None:
    assert issues(sample()) == []


@pytest.mark.requirement("A022", "B051")
@pytest.mark.parametrize("name", ["saas", "crypto"])
def test_the_shipped_packages_pass_every_check(name: str) -> None:
    assert [str(issue) for issue in check_package(shipped(name)) if issue.level == "error"] == []


def test_issues_come_in_file_order() -> None:
    text = model("weight: 25", "weight: 20")
    broken = sample(
        model=text.files["model.yaml"].replace("lo: 50", "lo: 0"), metrics=METRICS.replace("[signed_in]", "[gone]")
    )
    found = [(issue.file, issue.line) for issue in issues(broken)]
    assert found == sorted(found)
    assert len(found) == 3


def test_every_rule_has_a_case_a_file_and_a_text_for_its_reader() -> None:
    found = kinds("keepwell.health.checks.rules", Check)
    files = {path.stem for path in Path(next(iter(rules.__path__))).glob("*.py")} - {"__init__"}
    assert set(found) == files == set(CASES)
    assert all(len((__import__(one.__module__, fromlist=["x"]).__doc__ or "").split()) > 8 for one in found.values())
