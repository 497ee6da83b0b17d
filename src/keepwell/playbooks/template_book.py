"""All templates of a package, and everything there is to say about them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from keepwell.base.errors import PackageError, Problem, nearest
from keepwell.base.shape import NAME, read_shape
from keepwell.base.yaml_source import YamlSource, read_yaml
from keepwell.health.checks.check import Issue, error, warning
from keepwell.metrics.metric import Metric
from keepwell.playbooks.field_source import metric_problem
from keepwell.playbooks.render import Mail, MessageError
from keepwell.playbooks.sources.basis import Basis
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
    """The files of a package's folder `templates` by name; `folder` is how messages call it."""

    folder: str
    files: Mapping[str, str]
    metrics: Mapping[str, Metric]


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
    found = [*problems, *_field_problems(source, settings, text.metrics)]
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
        found.update(_unknown_issues(_settings_source(text), book))
        found.update(_assumption_issues(book))
        for template in book.templates.values():
            found.update(_sample_issues(book, template))
    return sorted(found)


def inspect_names(
    text: TemplateText, book: TemplateBook, events: Collection[str], plans: Collection[str] | None
) -> Iterator[Issue]:
    """Events and plans that the settings name and the package does not have; `plans` is None where it has no list."""
    source, package = _settings_source(text), book.settings.source_package(text.metrics)
    for name, one in package.sources.items():
        asked = () if list(one.problems(package)) else one.ask(package).event_names()
        for event in sorted(set(asked) - set(events)):
            sentence = f"usage '{name}': unknown event '{event}'.{nearest(event, tuple(events))}"
            yield error(source.problem(("usage", name, "source"), sentence))
    yield from _plan_issues(text, book, plans) if plans is not None else ()


def _plan_issues(text: TemplateText, book: TemplateBook, plans: Collection[str]) -> Iterator[Issue]:
    for plan, where in book.settings.plan_ids().items():
        if plan not in plans:
            sentence = f"{where}: unknown plan '{plan}'.{nearest(plan, tuple(plans))}"
            yield error(Problem(f"{text.folder}/{SETTINGS}", 1, sentence))


def _settings_source(text: TemplateText) -> YamlSource:
    label = f"{text.folder}/{SETTINGS}"
    if SETTINGS not in text.files:
        source = read_yaml(label, "{}")
        return YamlSource(label, None, source.root, (Problem(label, 1, "the file is missing; templates need it."),))
    return read_yaml(label, text.files[SETTINGS])


def _field_problems(source: YamlSource, settings: TemplateSettings, metrics: Mapping[str, Metric]) -> Iterator[Problem]:
    """Metrics that there are not, and sources that lack something of the package."""
    package = settings.source_package(metrics)
    for name, field in settings.usage.items():
        if field.metric is not None:
            for sentence in metric_problem(package, field.metric):
                yield source.problem(("usage", name, "metric"), f"usage '{name}': {sentence}")
        if field.source is not None:
            for sentence in field.source.problems(package):
                yield source.problem(("usage", name, "source"), f"usage '{name}': {sentence}")


def _unknown_issues(source: YamlSource, book: TemplateBook) -> Iterator[Issue]:
    """Fields whose value is never known, and the templates that are never written for it."""
    usage = book.settings.usage
    unknown = [name for name, field in usage.items() if field.metric is None and field.source is None]
    for name in unknown:
        sentence = f"usage '{name}' has neither 'metric' nor 'source', so its value is unknown."
        yield warning(source.problem(("usage", name), sentence))
    for template in book.templates.values():
        lacking = _lacking(book, template, unknown)
        if lacking:
            named = ", ".join(f"usage.{name}" for name in lacking)
            has = "have" if len(lacking) > 1 else "has"
            sentence = f"it is never written: {named} {has} neither 'metric' nor 'source'."
            yield warning(Problem(template.file, 1, sentence))


def _lacking(book: TemplateBook, template: Template, unknown: Sequence[str]) -> Sequence[str]:
    """The fields among these that a template cannot be without, everything else being known."""
    mail = Mail(template, book.settings)
    if mail.usage_fields.isdisjoint(unknown):
        return ()
    sample = book.sample(template)
    usage = sample["usage"]
    known = {name: value for name, value in usage.items() if name not in unknown} if isinstance(usage, Mapping) else {}
    try:
        mail.rendered({**sample, "usage": known})
    except MessageError as failed:
        return [name for name in unknown if f"usage.{name}" in failed.missing]
    return ()


def _assumption_issues(book: TemplateBook) -> Iterator[Issue]:
    """A number that somebody assumed is told together with what it rests on."""
    usage = book.settings.usage
    assumed = {name for name, one in usage.items() if one.source is not None and one.source.is_assumption}
    told = {name for name, one in usage.items() if isinstance(one.source, Basis) and one.source.of in assumed}
    for template in book.templates.values():
        shown = Mail(template, book.settings).usage_fields
        unsaid = sorted(shown & assumed)
        if unsaid and not shown & told:
            hint = f" Show usage.{min(told)}, too." if told else " Add a field with 'source: {kind: basis, of: …}'."
            sentence = f"usage.{unsaid[0]} is an assumption, and the text does not say what it rests on.{hint}"
            yield warning(Problem(template.file, 1, sentence))


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
