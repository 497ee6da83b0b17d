"""Kinds are found by file, validated by name, and stay typed as their base."""

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from keepwell.base.errors import BugError
from keepwell.base.registry import OneOf, kinds

_NUMBERS = count()

SQUARE = """
from typing import Literal
from tests.base.test_registry import RoundedShape
class Square(RoundedShape):
    kind: Literal["square"] = "square"
    side: int
"""
DISC = """
from typing import Literal
from pydantic import Field
from tests.base.test_registry import RoundedShape
class Disc(RoundedShape):
    kind: Literal["disc"] = "disc"
    radius: int = Field(gt=0)
"""


class RoundedShape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str


class Folder:
    """A package of modules written for one test."""

    def __init__(self, root: Path) -> None:
        self.name = f"folder_of_kinds_{next(_NUMBERS)}"
        self.path = root / self.name
        self.path.mkdir()
        (self.path / "__init__.py").touch()

    def write(self, name: str, text: str) -> None:
        (self.path / f"{name}.py").write_text(text, encoding="utf-8")

    def drawing(self) -> type[BaseModel]:
        return create_model(
            "Drawing",
            shape=(Annotated[RoundedShape, OneOf(self.name, RoundedShape)], ...),
            others=(list[Annotated[RoundedShape, OneOf(self.name, RoundedShape)]], []),
        )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.syspath_prepend(str(tmp_path))
    # The modules import their base from here, by the name that this module has in any import mode.
    monkeypatch.setitem(sys.modules, "tests.base.test_registry", sys.modules[__name__])
    made = Folder(tmp_path)
    made.write("square", SQUARE)
    made.write("disc", DISC)
    yield made
    for name in [name for name in sys.modules if name.partition(".")[0] == made.name]:
        del sys.modules[name]


def problems(folder: Folder, value: object) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as raised:
        folder.drawing().model_validate(value)
    return [(error["loc"], error["msg"]) for error in raised.value.errors()]


def test_a_folder_gives_its_classes_by_kind(folder: Folder) -> None:
    found = kinds(folder.name, RoundedShape)
    assert [(kind, shape.__name__) for kind, shape in found.items()] == [("disc", "Disc"), ("square", "Square")]


def test_what_a_caller_does_to_the_answer_stays_with_the_caller(folder: Folder) -> None:
    kinds(folder.name, RoundedShape).clear()
    assert set(kinds(folder.name, RoundedShape)) == {"disc", "square"}


def test_a_mapping_becomes_the_class_its_kind_names(folder: Folder) -> None:
    drawing = folder.drawing().model_validate(
        {"shape": {"kind": "square", "side": 2}, "others": [{"kind": "disc", "radius": 1}]}
    )
    assert drawing.model_dump() == {
        "shape": {"kind": "square", "side": 2},
        "others": [{"kind": "disc", "radius": 1}],
    }
    assert type(vars(drawing)["shape"]) is kinds(folder.name, RoundedShape)["square"]


def test_a_finished_object_is_taken_as_it_is(folder: Folder) -> None:
    square = kinds(folder.name, RoundedShape)["square"].model_validate({"side": 2})
    assert vars(folder.drawing().model_validate({"shape": square}))["shape"] is square


def test_an_unknown_kind_names_the_nearest(folder: Folder) -> None:
    assert problems(folder, {"shape": {"kind": "sqare", "side": 2}}) == [
        (("shape", "kind"), "unknown rounded shape kind 'sqare'. Did you mean 'square'?")
    ]


def test_a_kind_like_no_other_is_answered_with_all_of_them(folder: Folder) -> None:
    assert problems(folder, {"shape": {"kind": "{x}"}}) == [
        (("shape", "kind"), "unknown rounded shape kind '{x}'. Expected one of disc, square.")
    ]


@pytest.mark.parametrize(
    ("value", "place", "sentence"),
    [
        ({"side": 2}, ("shape",), "no rounded shape kind given; expected one of disc, square."),
        ({"kind": 3}, ("shape", "kind"), "unknown rounded shape kind 3. Expected one of disc, square."),
        (["square"], ("shape",), "expected a mapping with a kind, which is one of disc, square"),
        (None, ("shape",), "expected a mapping with a kind, which is one of disc, square"),
    ],
)
def test_a_missing_kind_is_a_problem_at_its_place(
    folder: Folder, value: object, place: tuple[str, ...], sentence: str
) -> None:
    assert problems(folder, {"shape": value}) == [(place, sentence)]


def test_problems_inside_a_kind_keep_their_place(folder: Folder) -> None:
    found = problems(folder, {"shape": {"kind": "square", "size": 1}, "others": [{"kind": "disc", "radius": 0}]})
    assert [place for place, _ in found] == [("shape", "side"), ("shape", "size"), ("others", 0, "radius")]


def test_the_json_schema_lists_every_kind(folder: Folder) -> None:
    schema = folder.drawing().model_json_schema()
    text = str(schema)
    assert "'const': 'square'" in text
    assert "'const': 'disc'" in text


def test_a_file_dropped_in_is_a_valid_kind(folder: Folder) -> None:
    folder.write("ring", DISC.replace("disc", "ring").replace("Disc", "Ring"))
    drawing = folder.drawing().model_validate({"shape": {"kind": "ring", "radius": 3}})
    assert drawing.model_dump()["shape"] == {"kind": "ring", "radius": 3}


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("ring", DISC, "holds the kind 'disc'; the file must be called disc.py"),
        ("empty", "", "it holds 0 (none)"),
        ("twins", SQUARE + DISC, "it holds 2 (Square, Disc)"),
        ("square", SQUARE.replace('Literal["square"]', "str"), 'must declare kind: Literal["<name>"]'),
    ],
)
def test_a_module_that_is_not_one_kind_of_its_name_is_our_bug(
    folder: Folder, name: str, text: str, sentence: str
) -> None:
    folder.write(name, text)
    with pytest.raises(BugError) as raised:
        kinds(folder.name, RoundedShape)
    assert sentence in str(raised.value)
