"""One template at a time, with the settings of a small package."""

from functools import cache
from importlib.resources import files
from typing import Any

from keepwell.base.shape import read_shape
from keepwell.base.yaml_source import read_yaml
from keepwell.playbooks.render import Mail, RenderedMail
from keepwell.playbooks.template import Template, TemplateReading, read_template
from keepwell.playbooks.template_book import TemplateBook, TemplateText, load_templates
from keepwell.playbooks.template_settings import TemplateSettings
from tests.packages.shipped import shipped

SETTINGS_TEXT = """
product: {name: Harbour}
roles:
  ceo: {name: Robin Sample, title: CEO & Founder}
links:
  calendar: {url: 'https://harbour.example/talk?with=a&for=b'}
  upgrade: {url: 'https://harbour.example/upgrade'}
usage:
  days: {type: number, about: Days of use., sample: 12}
  values: {type: text, about: A field called like a method., sample: kindness}
  share: {type: share, about: Share of days., sample: 0.4}
  unused: {type: texts, about: Unused parts., sample: [Views, Exports]}
offers:
  call: {title: a call, minutes: 15}
terms: [SOC 2]
"""
HEAD = {"title": "T", "subject": "Hello", "purpose": "service"}
# The line that the body begins on: three keys between the two fences.
BODY_LINE = 6


@cache
def settings() -> TemplateSettings:
    found, problems, _ = read_shape(TemplateSettings, read_yaml("settings.yaml", SETTINGS_TEXT))
    assert found is not None, problems
    return found


def text_of(body: str, **head: str) -> str:
    keys = "\n".join(f"{key}: {value}" for key, value in {**HEAD, **head}.items())
    return f"---\n{keys}\n---\n{body}\n"


def reading(body: str, **head: str) -> TemplateReading:
    return read_template("t", "t.md", text_of(body, **head), settings())


def problems(body: str, **head: str) -> list[str]:
    return [str(problem) for problem in reading(body, **head).problems]


def template(body: str, **head: str) -> Template:
    found = reading(body, **head)
    assert found.template is not None, found.problems
    return found.template


def sample(offer: str = "") -> dict[str, Any]:
    """The sample values, free to be changed."""
    given = settings().offers[offer].fields() if offer else {}
    found: dict[str, Any] = {**settings().catalogue().sample(given, "Harbour")}
    return {root: dict(record) if isinstance(record, dict) else list(record) for root, record in found.items()}


def rendered(body: str, context: dict[str, Any] | None = None, **head: str) -> RenderedMail:
    return Mail(template(body, **head), settings()).rendered(
        sample(head.get("offer", "")) if context is None else context
    )


@cache
def shipped_text(package: str = "saas") -> TemplateText:
    folder = files("keepwell") / "models" / package / "templates"
    texts = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.is_file()}
    return TemplateText(f"models/{package}/templates", texts, shipped(package).metrics)


@cache
def shipped_templates(package: str = "saas") -> TemplateBook:
    return load_templates(shipped_text(package))
