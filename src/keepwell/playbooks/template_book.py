"""All templates of a package, and everything there is to say about them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from keepwell.base.errors import PackageError, Problem, nearest
from keepwell.base.shape import NAME, read_shape
from keepwell.base.yaml_source import YamlSource, read_yaml
from keepwell.health.checks.check import Issue, error, warning
from keepwell.playbooks.render import Mail, MessageError
from keepwell.playbooks.template import Template, read_template
from keepwell.playbooks.template_field import Context
from keepwell.playbooks.template_settings import TemplateSettings

FOLDER: Final = "templates"
SETTINGS: Final = "settings.yaml"
ENDING: Final = ".md"
# Longer subjects are cut off on telephones.
READABLE_SUBJECT: Final = 70


@dataclass(frozen=True, slots=True)
class TemplateText:
    """The files of a package's folder `templates` by name; `folder` is how messages call it.

    `metrics` are those of the package, by id.
    """

    folder: str
    files: Mapping[str, str]
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TemplateBook:
    """The settings and the templates by id; a template that could not be read is not among them."""

    settings: TemplateSettings
    templates: Mapping[str, Template]

    def sample(self, template: Template) -> Context:
        """What a preview shows: the sample of each field, and the offer that the template names."""
        offer = self.settings.offers[template.head.offer].fields() if template.head.offer else {}
        return self.settings.catalogue().sample(offer, self.settings.product.name)


def load_templates(text: TemplateText) -> TemplateBook:
    """The templates of a package, or a PackageError with everything in them that cannot be read."""
    book, problems = read_templates(text)
    if problems or book is None:
        raise PackageError(problems)
    return book


def read_templates(text: TemplateText) -> tuple[TemplateBook | None, tuple[Problem, ...]]:
    """Like `load_templates`, but keeps what could be read; without readable settings nothing can be."""
    source = _settings_source(text)
    settings, problems, _ = read_shape(TemplateSettings, source) if not source.problems else (None, (), ())
    if settings is None:
        return None, (*source.problems, *problems)
    found = [*problems, *_metric_problems(source, settings, text.metrics)]
    templates: dict[str, Template] = {}
    for name in sorted(text.files):
        if name == SETTINGS:
            continue
        label = f"{text.folder}/{name}"
        template_id = name.removesuffix(ENDING)
        if not name.endswith(ENDING) or re.fullmatch(NAME, template_id) is None:
            sentence = "the name of a template is small letters, digits and underscores with .md behind them."
            found.append(Problem(label, 1, sentence))
            continue
        reading = read_template(template_id, label, text.files[name], settings)
        found += reading.problems
        if reading.template is not None:
            templates[template_id] = reading.template
    return TemplateBook(settings, templates), tuple(sorted(set(found)))


def inspect_templates(text: TemplateText) -> list[Issue]:
    """Everything there is to say, in file order: each template is also rendered with its sample."""
    return inspect_read(text, *read_templates(text))


def inspect_read(text: TemplateText, book: TemplateBook | None, problems: tuple[Problem, ...]) -> list[Issue]:
    """The same about templates that have been read."""
    found = set(map(error, problems))
    if book is not None:
        if book.settings.is_example:
            sentence = "'is_example' is true: product, people and links are made up. Write yours and remove the line."
            found.add(warning(_settings_source(text).problem(("is_example",), sentence)))
        for template in book.templates.values():
            found.update(_sample_issues(book, template))
    return sorted(found)


def _settings_source(text: TemplateText) -> YamlSource:
    label = f"{text.folder}/{SETTINGS}"
    if SETTINGS not in text.files:
        source = read_yaml(label, "{}")
        return YamlSource(label, None, source.root, (Problem(label, 1, "the file is missing; templates need it."),))
    return read_yaml(label, text.files[SETTINGS])


def _metric_problems(source: YamlSource, settings: TemplateSettings, metrics: tuple[str, ...]) -> Iterator[Problem]:
    for name, field in settings.usage.items():
        if field.metric is not None and field.metric not in metrics:
            sentence = f"usage '{name}': unknown metric '{field.metric}'.{nearest(field.metric, metrics)}"
            yield source.problem(("usage", name, "metric"), sentence)


def _sample_issues(book: TemplateBook, template: Template) -> Iterator[Issue]:
    try:
        mail = Mail(template, book.settings).rendered(book.sample(template))
    except MessageError as failed:
        for reason in failed.reasons:
            yield error(Problem(template.file, 1, f"with the sample values: {reason}"))
        return
    if len(mail.subject) > READABLE_SUBJECT:
        length = len(mail.subject)
        sentence = f"the subject has {length} characters with the sample values; at most {READABLE_SUBJECT} are read."
        yield warning(Problem(template.file, 1, sentence))
