"""From a template and the values of its fields to a message: subject, text and HTML.

Values are inserted last, into finished markup, and escaped there: none can become markup, a link, a header or a field.
Without a process of its own the time is bounded by what there is to do: a template has at most 16 KB, one level of
loops, each over at most 20 entries, texts of at most 1,000 and lists of at most 4,000 characters, filters that only
shorten or copy, and rendering stops at 100 KB.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final

from jinja2 import Template as Compiled
from jinja2 import Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from keepwell.base.errors import UserError
from keepwell.playbooks.mail_source import (
    PREHEADER_LINE,
    SENDER,
    SUBJECT_LINE,
    MailSource,
    document_source,
    mail_source,
)
from keepwell.playbooks.template import LONGEST_SUBJECT, UNFIT, Template
from keepwell.playbooks.template_field import REASONS, ROOTS, SHARED, USAGE, Context, TemplateField
from keepwell.playbooks.template_filter import FILTERS, TemplateFilter, number
from keepwell.playbooks.template_settings import CSM, TemplateSettings

LARGEST_PART: Final = 100 * 1024
_EMPTY_LINES: Final = re.compile(r"\n[ \n]*\n")
# Characters that turn the direction of what stands after them.
_DIRECTIONS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class MessageError(UserError):
    """A message that cannot be written, with every reason; `missing` are the fields without a value."""

    def __init__(self, template_id: str, reasons: Sequence[str], missing: Sequence[str] = ()) -> None:
        self.reasons = tuple(reasons)
        self.missing = tuple(missing)
        super().__init__("\n".join(f"template '{template_id}': {reason}" for reason in self.reasons))


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A message. The text part says the same as the HTML part; in-app notices and other channels take the text."""

    subject: str
    text: str
    html: str


class Mail:
    """A template made ready for one package's settings; made once, rendered for many.

    `usage_fields` are the fields of `usage` that it shows or asks for. A document is the same without the frame of a
    mail and without a signature; its HTML is a list of blocks.
    """

    def __init__(self, template: Template, settings: TemplateSettings, *, is_document: bool = False) -> None:
        self._template = template
        self._fields = settings.catalogue()
        self._product = settings.product.name
        role = template.head.from_role
        signer = settings.roles[role] if role and role != CSM else None
        self._sender = {"name": signer.name, "title": signer.title} if signer else {}
        source = document_source(template, settings) if is_document else mail_source(template, settings)
        self.usage_fields: Final = _usage_fields(source)
        self._subject = _environment(is_html=False).from_string(source.subject)
        self._preheader = _environment(is_html=False).from_string(source.preheader)
        self._text = _environment(is_html=False).from_string(source.text)
        self._html = _environment(is_html=True).from_string(source.html)

    def rendered(self, context: Context) -> RenderedMail:
        """The message, or a MessageError that names every field that is missing or of the wrong type.

        A field that a template asks for by `if` may be missing. An empty text or list counts as missing.
        """
        missing: list[str] = []
        plain = self._filled(context, missing, clean=_in_one_direction)
        cleaned = self._filled(context, missing, clean=_cleaned)
        subject = self._render(self._subject, plain)
        lines = {SUBJECT_LINE: subject, PREHEADER_LINE: self._render(self._preheader, cleaned)}
        text = self._render(self._text, cleaned)
        html = self._render(self._html, {**cleaned, **lines})
        if missing:
            names = tuple(dict.fromkeys(missing))
            raise MessageError(
                self._template.id, [f"there is no value for {name}." for name in names], tuple(sorted(names))
            )
        self._refuse_subject(subject, plain)
        return RenderedMail(subject, _EMPTY_LINES.sub("\n\n", text).strip() + "\n", html)

    def _filled(self, context: Context, missing: list[str], clean: Callable[[str], str]) -> dict[str, Any]:
        wrong: list[str] = []
        found: dict[str, Any] = {}
        for root in ROOTS:
            given = {"name": self._product} if root == "product" else context.get(root, {})
            filling = _Filling(missing, wrong, clean)
            found[root] = (
                filling.value(REASONS, self._fields.list_of(REASONS), given or None)
                if root == REASONS
                else filling.record(root, self._fields.of(root), given)
            )
        if wrong:
            raise MessageError(self._template.id, wrong)
        return {**found, SENDER: self._sender}

    def _render(self, compiled: Compiled, values: Mapping[str, Any]) -> str:
        parts: list[str] = []
        size = 0
        for part in compiled.generate(values):
            parts.append(part)
            size += len(part.encode("utf-8", "surrogatepass"))
            if size > LARGEST_PART:
                raise MessageError(self._template.id, [f"the message is larger than {LARGEST_PART // 1024} KB."])
        return "".join(parts)

    def _refuse_subject(self, subject: str, values: Mapping[str, Any]) -> None:
        found = UNFIT.search(subject)
        if found:
            named = self._template.head.subject
            guilty = next((name for name in _fields_with(found.group(), values) if name in named), None)
            where = f" It comes from {guilty}." if guilty else ""
            reason = f"the subject must be one line; it would hold U+{ord(found.group()):04X}.{where}"
            raise MessageError(self._template.id, [reason])
        if not subject.strip() or len(subject) > LONGEST_SUBJECT:
            reason = f"the subject must have 1 to {LONGEST_SUBJECT} characters; it would have {len(subject)}."
            raise MessageError(self._template.id, [reason])


def _usage_fields(source: MailSource) -> frozenset[str]:
    texts = (source.subject, source.preheader, source.text)
    trees = [_environment(is_html=False).parse(text) for text in texts]
    asked = [node for tree in trees for node in tree.find_all(nodes.Getattr)]
    return frozenset(node.attr for node in asked if isinstance(node.node, nodes.Name) and node.node.name == USAGE)


class _Missing(Undefined):
    """Stands where a value is not: false in an `if`, and noted wherever it would be shown or compared."""

    __slots__ = ("_name", "_noted")

    def __init__(self, name: str, noted: list[str]) -> None:
        super().__init__(name=name)
        self._name = name
        self._noted = noted

    def note(self) -> None:
        self._noted.append(self._name)

    def __str__(self) -> str:
        self.note()
        return ""

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        self.note()
        return iter(())

    def _compared(self, _: object) -> bool:
        self.note()
        return False

    __eq__ = _compared
    __ne__ = _compared
    __lt__ = _compared  # type: ignore[assignment]  # the base class says that it always raises
    __le__ = _compared  # type: ignore[assignment]
    __gt__ = _compared  # type: ignore[assignment]
    __ge__ = _compared  # type: ignore[assignment]
    __hash__ = Undefined.__hash__


class _Filling:
    """Copies values of the catalogue's fields, and nothing else, so that no object gets into a template."""

    def __init__(self, missing: list[str], wrong: list[str], clean: Callable[[str], str]) -> None:
        self._missing = missing
        self._wrong = wrong
        self._clean = clean

    def record(self, root: str, fields: Mapping[str, TemplateField], given: object) -> dict[str, Any]:
        values = given if isinstance(given, Mapping) else {}
        if values is not given:
            self._wrong.append(f"{root} must be a mapping of fields.")
        return {name: self.value(f"{root}.{name}", field, values.get(name)) for name, field in fields.items()}

    def value(self, name: str, field: TemplateField | None, given: object) -> object:
        is_empty = isinstance(given, str | list | tuple) and not given
        if given is None or is_empty or (isinstance(given, str) and not given.strip()):
            return _Missing(name, self._missing)
        if field is None or not field.accepts(given):
            expected = field.expected if field else "a field of the catalogue"
            self._wrong.append(f"{name} must be {expected}.")
            return _Missing(name, self._missing)
        if isinstance(given, str):
            return self._clean(given)
        if isinstance(given, list | tuple):
            return [self._entry(one) for one in given]
        return given

    def _entry(self, given: str | Mapping[str, str]) -> object:
        if isinstance(given, str):
            return self._clean(given)
        return self.record(REASONS, SHARED[REASONS], given)


class _Environment(ImmutableSandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        """A field of a record, and never an attribute of an object: a field may be called `values`."""
        return obj[attribute]


@cache
def _environment(*, is_html: bool) -> _Environment:
    """Nothing in it but our filters and one test; what the walk has passed needs no more."""
    found = _Environment(autoescape=is_html, finalize=_shown)
    found.globals.clear()
    found.filters = {name: _applied(used) for name, used in FILTERS.items()}
    found.tests = {"defined": _is_defined}
    return found


def _is_defined(value: object) -> bool:
    return not isinstance(value, Undefined)


def _shown(value: object) -> object:
    """A number as people write it; everything else as it is."""
    return number(value) if isinstance(value, int | float | Decimal) else value


def _applied(used: TemplateFilter) -> Callable[..., object]:
    def applied(*values: object) -> object:
        absent = [value for value in values if isinstance(value, _Missing)]
        for value in absent:
            value.note()
        if absent:
            return 0 if used.gives == "number" else ""
        return used.apply(*values)

    return applied


def _in_one_direction(text: str) -> str:
    return _DIRECTIONS.sub("", text)


def _cleaned(text: str) -> str:
    """One line of text that reads in one direction and can be encoded."""
    return "".join(map(_plain, _in_one_direction(text))).strip()


def _plain(letter: str) -> str:
    kind = unicodedata.category(letter)
    return " " if kind in ("Cc", "Zl", "Zp") else "\ufffd" if kind == "Cs" else letter


def _fields_with(letter: str, values: Mapping[str, Any]) -> Iterator[str]:
    for root, record in values.items():
        if isinstance(record, dict):
            yield from (f"{root}.{name}" for name, one in record.items() if isinstance(one, str) and letter in one)
