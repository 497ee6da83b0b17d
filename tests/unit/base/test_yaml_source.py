"""YAML as people mean it: what is refused is refused with its line, and strings stay strings."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.base.yaml_source import DEEPEST, LARGEST, read_yaml


def told(text: str) -> list[str]:
    return [str(problem) for problem in read_yaml("model.yaml", text).problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\n\tb: 2\n", "model.yaml:2: the line holds a tab; indent and separate with spaces."),
        ("a: 'x\ty'\n", "model.yaml:1: the line holds a tab; indent and separate with spaces."),
        ("a: 1\nb: 2\na: 3\n", "model.yaml:3: the key 'a' is given twice; first on line 1."),
        ("a: {b: 1, b: 2}\n", "model.yaml:1: the key 'b' is given twice; first on line 1."),
        ("a: .nan\n", "model.yaml:1: '.nan' is not a finite number."),
        ("a: [1, -.inf]\n", "model.yaml:1: '-.inf' is not a finite number."),
        ("a: 1e400\n", "model.yaml:1: '1e400' is not a number that can be kept."),
        ("a: 1e-400\n", "model.yaml:1: '1e-400' is not a number that can be kept."),
        (
            "a: 9223372036854775808\n",
            "model.yaml:1: '9223372036854775808' has more than 15 digits, which cannot be kept exactly.",
        ),
        ("x: 1\na: &n 1\n", "model.yaml:2: '&n' names a value for reference; write the value out where it is needed."),
        ("x: 1\na: *n\n", "model.yaml:2: '*n' repeats a value by reference; write the value out."),
        ("a: !!int '1'\n", "model.yaml:1: the tag '!!int' is not read; write the plain value."),
        ("a: !secret x\n", "model.yaml:1: the tag '!secret' is not read; write the plain value."),
        ("%YAML 1.1\n---\na: 1\n", "model.yaml:1: directives (%YAML, %TAG) are not read; remove them."),
        ("a: 1\n---\nb: 2\n", "model.yaml:2: a second document starts here; a file holds one."),
        ("a: 1\n? [b, c]\n: 2\n", "model.yaml:2: a key must be plain text, not a list or a mapping."),
        ("a: \x00\n", "model.yaml:1: the line holds the unprintable character U+0000."),
        ("a: \ud800\n", "model.yaml:1: the line holds the unprintable character U+D800."),
        ('a: "x\\0y"\n', "model.yaml:1: the text holds the unprintable character U+0000."),
        ('a: "\\ud800"\n', "model.yaml:1: the text holds the unprintable character U+D800."),
        ("", "model.yaml:1: the file is empty; expected keys and values."),
        ("# only a comment\n", "model.yaml:1: the file is empty; expected keys and values."),
    ],
)
def test_poison_is_refused_with_its_line(text: str, problem: str) -> None:
    assert problem in told(text)


@pytest.mark.parametrize(
    "text", ["a: [1, 2\n", "a: b: c\n", "a: 'x\n", "- 1\nb: 2\n", 'a: "\\UFFFFFFFF"\n', "%YAML 9999.1x\n---\na: 1\n"]
)
def test_what_is_not_yaml_is_refused_with_a_line(text: str) -> None:
    (problem,) = read_yaml("model.yaml", text).problems
    assert problem.sentence.startswith("this is not YAML: ")
    assert problem.line >= 1


def test_an_object_tag_builds_nothing() -> None:
    source = read_yaml("model.yaml", "a: !!python/object/apply:os.system ['echo hi']\nb: 2\n")
    assert (
        "the tag '!!python/object/apply:os.system' is not read; write the plain value." in source.problems[0].sentence
    )
    assert source.data == {"a": ["echo hi"], "b": 2}


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    started = time.perf_counter()
    source = read_yaml("bomb.yaml", "\n".join(lines))
    assert {problem.line for problem in source.problems} == set(range(1, 11))
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth_is_bounded_without_recursion(opening: str) -> None:
    (problem,) = read_yaml("deep.yaml", opening * 20_000).problems
    assert problem.sentence == f"values are nested deeper than {DEEPEST} levels."


def test_depth_up_to_the_bound_is_read() -> None:
    assert told("[" * DEEPEST + "]" * DEEPEST) == []
    assert told("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)) != []


def test_a_large_file_is_refused_unread() -> None:
    (problem,) = read_yaml("large.yaml", "a: " + "é" * LARGEST).problems
    assert problem.sentence == f"the file has {3 + 2 * LARGEST} bytes; at most {LARGEST} are read."


def test_strings_stay_strings() -> None:
    text = "a: [no, yes, on, off, n, y, 1:30, 2026-11-20, 0x10, 010, 0o7, 1_000, 12e03x, =, <<, '5', \"true\"]\n"
    expected = [
        "no",
        "yes",
        "on",
        "off",
        "n",
        "y",
        "1:30",
        "2026-11-20",
        "0x10",
        "010",
        "0o7",
        "1_000",
        "12e03x",
        "=",
        "<<",
    ]
    assert read_yaml("a.yaml", text).data == {"a": [*expected, "5", "true"]}


def test_keys_are_text() -> None:
    assert read_yaml("a.yaml", "no: 1\n1: 2\ntrue: 3\nnull: 4\n").data == {"no": 1, "1": 2, "true": 3, "null": 4}


def test_numbers_truth_and_nothing() -> None:
    source = read_yaml("a.yaml", "a: [1, -2, +3, 0.5, .5, 5., 1e3, -1.5e-3, true, False, null, ~, ]\nb:\n")
    assert source.data == {"a": [1, -2, 3, 0.5, 0.5, 5.0, 1000.0, -0.0015, True, False, None, None], "b": None}
    assert source.problems == ()


def test_the_first_of_a_repeated_key_is_kept_and_reading_goes_on() -> None:
    source = read_yaml("a.yaml", "a: 1\na: {x: .inf}\nb: &q 2\n")
    assert source.data == {"a": 1, "b": 2}
    assert [problem.line for problem in source.problems] == [2, 2, 3]


def test_every_value_knows_its_line() -> None:
    source = read_yaml(
        "a.yaml", "# top\nbands:\n  - id: low\n    lo: 0\n\n  - id: high\n    lo: >-\n      5\n      0\nend: 1\n"
    )
    assert source.line(("bands",)) == 2
    assert source.line(("bands", 0)) == 3
    assert source.line(("bands", 1, "id")) == 6
    assert source.place(("bands", 1)).last_line == 9
    assert source.line(("end",)) == 10
    assert source.line(("bands", 1, "missing")) == 6


@given(st.text(max_size=300))
def test_no_text_makes_it_raise(text: str) -> None:
    source = read_yaml("any.yaml", text)
    assert source.problems or source.root is not None


@given(st.text(alphabet="ab:-[]{}&*!?|>%@`'\",# \n0.1e", max_size=80))
def test_no_soup_of_marks_makes_it_raise(text: str) -> None:
    read_yaml("any.yaml", text)
