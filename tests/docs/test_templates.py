"""`docs/templates.md` names every field, filter and key, and its example is a template."""

import re
from pathlib import Path

import pytest

from keepwell.base.registry import kinds
from keepwell.playbooks.field_source import FOLDER as SOURCES
from keepwell.playbooks.field_source import FieldSource
from keepwell.playbooks.template import TemplateHead, read_template
from keepwell.playbooks.template_field import REASONS, SHARED
from keepwell.playbooks.template_filter import FILTERS
from keepwell.playbooks.template_settings import TemplateSettings
from tests.unit.playbooks.template_world import settings

TEXT = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
FIELDS = [f"{root}.{name}" for root, fields in SHARED.items() for name in fields if root != REASONS]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_named(field: str) -> None:
    assert f"`{field}`" in TEXT


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_is_named(name: str) -> None:
    assert re.search(rf"`{name}[`(]", TEXT)


@pytest.mark.parametrize("key", [*TemplateHead.model_fields, *TemplateSettings.model_fields])
def test_every_key_is_named(key: str) -> None:
    assert f"| `{key}` |" in TEXT


@pytest.mark.parametrize("name", kinds(SOURCES, FieldSource))
def test_every_source_is_named(name: str) -> None:
    assert f"| `{name}` |" in TEXT


def test_the_example_is_a_template() -> None:
    (example,) = re.findall(r"```markdown\n(.*?)```", TEXT, re.DOTALL)
    assert read_template("example", "example.md", example, settings()).problems == ()
