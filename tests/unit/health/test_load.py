"""From texts to a package: everything that cannot be read is told at once, and what can be read is still checked."""
# Each sentence stands in one piece, as it is shown.
# ruff: noqa: E501

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy

import pytest

from keepwell.base.errors import PackageError
from keepwell.base.yaml_source import Path, Yaml, read_yaml
from keepwell.health.checks.check import inspect_package, load_valid_package
from keepwell.health.load import load_package, read_package
from keepwell.health.package import PackageText
from keepwell.health.score import score
from tests.unit.health.samples import CATALOGUE, HEADER, METRICS, MODEL, sample, values_of


def told(**changed: str) -> list[str]:
    return [str(issue).removeprefix("models/sample/") for issue in inspect_package(sample(**changed), {})]


def without(text: PackageText, name: str) -> PackageText:
    return PackageText(text.folder, {file: found for file, found in text.files.items() if file != name})


CHILD = PackageText(
    "packages/child",
    {
        "package.yaml": "package: child\ntitle: Child\nversion: 1\nmodels: [model.yaml]\nextends: sample\n",
        "metrics.yaml": (
            "metrics:\n  payments: {title: Mine, kind: count, unit: count, better: up, events: [paid], days: 7}\n"
        ),
        "model.yaml": MODEL.replace("model: small", "model: child"),
    },
)


def test_a_package_is_read() -> None:
    package = load_package(sample(), {})
    assert (package.id, tuple(package.models), tuple(package.metrics)) == (
        "sample",
        ("small",),
        ("active_rate", "payments", "seats"),
    )
    assert package.catalogue.names()["Login"] == "signed_in"
    assert package.catalogue.property_types()["on_time"] == "boolean"
    assert tuple(package.metrics_of(package.models["small"])) == ("active_rate", "payments", "seats")


def test_a_package_inherits_events_and_metrics_and_may_override_them() -> None:
    package = load_valid_package(CHILD, {"sample": sample()})
    assert package.metrics["payments"].title == "Mine"
    assert package.metrics["seats"].title == "Seats"
    assert tuple(package.catalogue.events) == ("signed_in", "paid")
    assert package.is_own(package.metric_spots["payments"])
    assert not package.is_own(package.metric_spots["seats"])


def test_faults_of_the_extended_package_are_told_where_they_are() -> None:
    issues = inspect_package(CHILD, {"sample": sample(metrics=METRICS.replace("kind: count", "kind: cuont"))})
    assert [str(issue) for issue in issues] == [
        "models/sample/metrics.yaml:11: metric 'payments': unknown metric kind 'cuont'. Did you mean 'count'?"
    ]


def test_an_unknown_package_is_not_extended() -> None:
    (issue,) = inspect_package(CHILD, {"samples": sample()})
    assert str(issue) == "packages/child/package.yaml:5: unknown package 'sample'. Did you mean 'samples'?"


def test_packages_do_not_extend_each_other_in_a_circle() -> None:
    circle = {"sample": sample(package=f"{HEADER}extends: child\n"), "child": CHILD}
    sentence = "packages extend each other in a circle: child → sample → child."
    issues = inspect_package(CHILD, circle)
    assert f"models/sample/package.yaml:5: {sentence}" in [str(issue) for issue in issues]


@pytest.mark.parametrize("name", ["package.yaml", "catalogue.yaml", "metrics.yaml"])
def test_a_missing_file_is_told(name: str) -> None:
    (issue,) = inspect_package(without(sample(), name), {})
    assert str(issue) == f"models/sample/{name}:1: the file is missing; a package needs it."


def test_a_missing_model_is_told_at_its_name() -> None:
    (issue,) = inspect_package(without(sample(), "model.yaml"), {})
    assert str(issue) == "models/sample/package.yaml:4: the file 'model.yaml' is missing from the package."


def test_two_models_have_two_names() -> None:
    text = sample(package=HEADER.replace("[model.yaml]", "[model.yaml, other.yaml]"), other=MODEL)
    assert "models/sample/other.yaml:1: the model 'small' is already in models/sample/model.yaml." in [
        str(issue) for issue in inspect_package(text, {})
    ]


def test_a_file_name_does_not_lead_out_of_the_folder() -> None:
    expected = "the name of a file in the same folder, such as model.yaml"
    assert told(package=HEADER.replace("model.yaml", "../x.yaml"))[0].startswith(
        f"package.yaml:4: entry 1 of 'models' must be {expected}"
    )


def test_all_faults_of_all_files_are_told_at_once_in_file_order() -> None:
    found = told(
        catalogue=CATALOGUE.replace("type: number}", "type: nmuber}", 1),
        metrics=METRICS.replace("kind: count", "kind: cuont").replace("days: 30", "days: .nan"),
        model=MODEL.replace("weight: 25", "wieght: 25")
        .replace("colour: red", "colour: rde")
        .replace("weight: 60", "weight: 59", 1),
    )
    assert found == [
        "catalogue.yaml:6: event 'signed_in': 'type' must be 'number', 'text', 'boolean' or 'time', not 'nmuber'. Did you mean 'number'?",
        "metrics.yaml:8: '.nan' is not a finite number.",
        "metrics.yaml:11: metric 'payments': unknown metric kind 'cuont'. Did you mean 'count'?",
        "model.yaml:5: 'colour' must be 'red', 'orange', 'yellow', 'green', 'blue' or 'grey', not 'rde'. Did you mean 'red'?",
        "model.yaml:8: weights of the groups of 'small' add up to 99; the score weighs 100.",
        "model.yaml:9: weights of group 'usage' add up to 60; the group weighs 59.",
        "model.yaml:21: unknown key 'wieght'. Did you mean 'weight'?",
    ]


def test_one_unreadable_measure_does_not_hide_the_faults_beside_it() -> None:
    found = told(model=MODEL.replace("kind: linear", "kind: liner").replace("metric: seats", "metric: saets"))
    assert found == [
        "model.yaml:22: unknown scale kind 'liner'. Did you mean 'linear'?",
        "model.yaml:23: unknown metric 'saets'. Did you mean 'seats'?",
    ]


def test_a_file_that_is_not_yaml_hides_only_what_hangs_on_it() -> None:
    found = told(metrics="metrics: [\n", model=MODEL.replace("weight: 25", "weight: 26"))
    assert len(found) == 2
    assert found[0].startswith("metrics.yaml:2: this is not YAML: ")
    assert found[1] == "model.yaml:16: weights of group 'money' add up to 41; the group weighs 40."


@pytest.mark.parametrize(
    "text", ["events: [1]\n", "events:\n", "- 1\n", "evnets: {}\n", "events: {Bad Name: {title: x}}\n"]
)
def test_a_file_of_another_shape_is_told(text: str) -> None:
    found = told(catalogue=text)
    assert found
    assert found[0].startswith("catalogue.yaml:1: ")


def test_the_error_holds_every_problem() -> None:
    with pytest.raises(PackageError) as raised:
        load_valid_package(sample(model=MODEL.replace("weight: 25", "weight: 26").replace("lo: 50", "lo: 101")), {})
    assert [problem.line for problem in raised.value.problems] == [6, 16]


def test_reading_without_a_header_gives_nothing_to_check() -> None:
    reading = read_package(sample(package="pakcage: x\n"), {})
    assert reading.package is None
    assert reading.problems


ODD: list[Yaml] = [None, True, -1, 1e15, "x", "", [], [[]], {}, {"a": 1}, [1, 2], {"kind": "curve"}, {"parts": []}]


def places(data: Yaml, path: Path = ()) -> Iterator[Path]:
    yield path
    keys: Iterable[str | int] = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in list(keys):
        yield from places(data[key], (*path, key))  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "text"), [("model", MODEL), ("metrics", METRICS), ("catalogue", CATALOGUE), ("package", HEADER)]
)
def test_nothing_odd_in_any_place_makes_it_raise_and_what_is_accepted_can_be_scored(name: str, text: str) -> None:
    data = read_yaml(name, text).data
    for path in places(data):
        for odd in ODD:
            changed = deepcopy(data)
            owner: Yaml = changed
            for key in path[:-1]:
                owner = owner[key]  # type: ignore[index, call-overload]
            if path:
                owner[path[-1]] = odd  # type: ignore[index, call-overload]
            else:
                changed = odd
            case = sample(**{name: json.dumps(changed)})
            if not any(issue.level == "error" for issue in inspect_package(case, {})):
                for model in load_valid_package(case, {}).models.values():
                    assert score(values_of([{}], model.metrics()), model).nano_points.tolist() == [0]
