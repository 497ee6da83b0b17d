"""What a template may be made of: parsed by Jinja2, then walked, and everything that is not on the list refused.

Allowed are text, fields of the catalogue, comparisons, `if`, one level of `for`, and the named filters. Nothing is
run to find that out.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from jinja2 import nodes

from keepwell.base.errors import Problem, nearest
from keepwell.playbooks.template_field import REASONS, ROOTS, SHARED, FieldCatalogue
from keepwell.playbooks.template_filter import FILTERS, NUMBERS, TemplateFilter
from keepwell.playbooks.template_tree import parse

# How the refused constructs are called in a message; a class that is not here is called by its own name.
CONSTRUCTS: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Call: "a call",
    nodes.CallBlock: "'call'",
    nodes.Macro: "'macro'",
    nodes.Assign: "'set'",
    nodes.AssignBlock: "'set'",
    nodes.Include: "'include'",
    nodes.Import: "'import'",
    nodes.FromImport: "'import'",
    nodes.Extends: "'extends'",
    nodes.Block: "'block'",
    nodes.FilterBlock: "a 'filter' block",
    nodes.With: "'with'",
    nodes.Scope: "'autoescape'",
    nodes.Getitem: "square brackets or a number behind a point",
    nodes.List: "a list",
    nodes.Tuple: "a list",
    nodes.Dict: "a mapping",
    nodes.CondExpr: "an 'if' inside an expression",
    nodes.Concat: "'~'",
    nodes.Const: "a fixed value",
    nodes.Test: "a test",
    nodes.And: "'and'",
    nodes.Or: "'or'",
    nodes.Not: "'not'",
    nodes.BinExpr: "arithmetic",
    nodes.UnaryExpr: "arithmetic",
    nodes.Compare: "a comparison",
}
_INSTEAD: Final[Mapping[type[nodes.Node], str]] = {
    nodes.CondExpr: " Write {% if … %}…{% endif %} around the text.",
    nodes.Const: " Show a field, or write the words outside the braces.",
    nodes.Compare: " It may stand in {% if … %}.",
    nodes.Test: " It may stand in {% if … %}.",
    nodes.And: " It may stand in {% if … %}.",
    nodes.Or: " It may stand in {% if … %}.",
    nodes.Not: " It may stand in {% if … %}.",
}
_ORDERING: Final = frozenset({"lt", "lteq", "gt", "gteq"})
_EQUALITY: Final = frozenset({"eq", "ne"})
# What must stand behind a field of such a type before it can be shown.
_SHOWN_BY: Final[Mapping[str, str]] = {
    "share": "percent",
    "date": "date",
    "texts": "sentence",
    "records": "length",
}


def walk(file: str, line: int, text: str, fields: FieldCatalogue) -> tuple[Problem, ...]:
    """Everything in a text that a template may not hold; `line` is where the text begins in the file."""
    tree = parse(text)
    if not isinstance(tree, nodes.Template):
        return (Problem(file, line + tree[0] - 1, tree[1]),)
    walker = _Walker(fields)
    walker.body(tree.body)
    return tuple(Problem(file, line + at - 1, sentence) for at, sentence in dict.fromkeys(walker.found))


class _Walker:
    """Types are those of fields; None stands for what has been refused already."""

    def __init__(self, fields: FieldCatalogue) -> None:
        self._fields = fields
        # The type of what the name of the loop around stands for: one text, or one record of `reasons`.
        self._loop: dict[str, str] = {}
        self.found: list[tuple[int, str]] = []

    def _refuse(self, node: nodes.Node, sentence: str) -> None:
        # Jinja2 gives what it wraps around `autoescape` no line of its own.
        lines = (one.lineno for one in (node, *node.iter_child_nodes()) if one.lineno)
        self.found.append((next(lines, 1), sentence))

    def _refuse_construct(self, node: nodes.Node) -> None:
        known = next((one for one in type(node).__mro__ if one in CONSTRUCTS), None)
        called = CONSTRUCTS[known] if known else f"'{type(node).__name__}'"
        instead = _INSTEAD.get(known, "") if known else ""
        self._refuse(node, f"{called} is not allowed in a template.{instead}")

    def body(self, statements: Iterable[nodes.Node]) -> None:
        for node in statements:
            if isinstance(node, nodes.Output):
                for shown in node.nodes:
                    if not isinstance(shown, nodes.TemplateData):
                        self._shown(shown)
            elif isinstance(node, nodes.If):
                self._if(node)
            elif isinstance(node, nodes.For):
                self._for(node)
            else:
                self._refuse_construct(node)

    def _shown(self, node: nodes.Expr) -> None:
        found = self._expression(node)
        if found is not None and found in _SHOWN_BY:
            self._refuse(node, f"{_written(node)} is of type {found}; put '| {_SHOWN_BY[found]}' behind it.")
        elif found == "record":
            self._refuse(node, f"'{_written(node)}' is a record; show one of its fields: {', '.join(SHARED[REASONS])}.")

    def _if(self, node: nodes.If) -> None:
        self._condition(node.test)
        self.body(node.body)
        for other in node.elif_:
            self._if(other)
        self.body(node.else_)

    def _for(self, node: nodes.For) -> None:
        if self._loop:
            self._refuse(node, "a 'for' inside a 'for' is not allowed in a template.")
        if node.recursive or node.test is not None or node.else_:
            self._refuse(node, "a 'for' may only be '{% for one in list %}', without 'if', 'else' and 'recursive'.")
        over = self._expression(node.iter)
        if over not in (None, "texts", "records"):
            self._refuse(node, f"{_written(node.iter)} is of type {over}; a 'for' goes over a list.")
        target = node.target
        if not isinstance(target, nodes.Name) or target.name.startswith("_") or target.name in ROOTS:
            self._refuse(node, "a 'for' needs one name of its own, such as '{% for reason in reasons %}'.")
            return
        outer = self._loop
        self._loop = {**outer, target.name: "record" if over == "records" else "text"}
        self.body(node.body)
        self._loop = outer

    def _condition(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.And | nodes.Or):
            self._condition(node.left)
            self._condition(node.right)
        elif isinstance(node, nodes.Not):
            self._condition(node.node)
        elif isinstance(node, nodes.Compare):
            self._compare(node)
        elif isinstance(node, nodes.Test):
            if node.name != "defined" or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
                self._refuse(node, f"the test '{node.name}' is not allowed in a template; only 'is defined' is.")
            self._expression(node.node)
        else:
            self._expression(node)

    def _compare(self, node: nodes.Compare) -> None:
        left = self._operand(node.expr)
        rights = [(operand.op, self._operand(operand.expr)) for operand in node.ops]
        if len(rights) > 1:
            self._refuse(node, "a chain of comparisons is not allowed in a template; join two by 'and'.")
        for operator, right in rights:
            if operator not in _ORDERING | _EQUALITY:
                self._refuse(node, f"'{operator}' is not allowed in a template; compare by ==, !=, <, <=, > or >=.")
            elif left is not None and right is not None and not _compares(operator, left, right):
                self._refuse(node, f"{left} and {right} cannot be compared like this.")

    def _operand(self, node: nodes.Node) -> str | None:
        if isinstance(node, nodes.Const) and not isinstance(node.value, bool) and node.value is not None:
            return "text" if isinstance(node.value, str) else "number"
        if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const) and not isinstance(node.node.value, str):
            return self._operand(node.node)
        return self._expression(node)

    def _expression(self, node: nodes.Node) -> str | None:
        if isinstance(node, nodes.Name):
            return self._name(node)
        if isinstance(node, nodes.Getattr):
            return self._field(node)
        if isinstance(node, nodes.Filter):
            return self._filter(node)
        self._refuse_construct(node)
        self._look_inside(node)
        return None

    def _look_inside(self, node: nodes.Node) -> None:
        """Names inside something refused are looked at too, so that all is told at once."""
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.Name | nodes.Getattr):
                self._expression(child)
            elif not isinstance(child, nodes.Const):
                self._look_inside(child)

    def _name(self, node: nodes.Name) -> str | None:
        if node.name in self._loop:
            return self._loop[node.name]
        if node.name not in ROOTS:
            self._refuse_name(node, node.name)
            return None
        field = self._fields.list_of(node.name)
        if field is None:
            known = ", ".join(self._fields.of(node.name))
            self._refuse(node, f"'{node.name}' needs a point and a field behind it: {known or 'it has none'}.")
            return None
        return field.type

    def _refuse_name(self, node: nodes.Node, name: str) -> None:
        known = (*ROOTS, *self._loop)
        hint = nearest(name, known) or f" Known: {', '.join(known)}."
        self._refuse(node, f"unknown name '{name}'.{hint}")

    def _field(self, node: nodes.Getattr) -> str | None:
        if node.attr.startswith("_"):
            self._refuse(node, f"'{node.attr}' begins with an underscore, which is not allowed in a template.")
        owner = node.node
        if not isinstance(owner, nodes.Name):
            self._refuse(node, "a field has one point: a name, and a field of it.")
            self._expression(owner)
            return None
        name = owner.name
        if name in self._loop:
            return self._loop_field(node, name)
        if name not in ROOTS:
            self._refuse_name(node, name)
            return None
        if node.attr.startswith("_"):
            return None
        field = self._fields.find(name, node.attr)
        if field is not None:
            return field.type
        if name == REASONS:
            self._refuse(node, "'reasons' is a list; go through it by '{% for reason in reasons %}'.")
        else:
            self._refuse(node, self._fields.unknown(name, node.attr))
        return None

    def _loop_field(self, node: nodes.Getattr, name: str) -> str | None:
        if self._loop[name] != "record":
            self._refuse(node, f"'{name}' is text and has no fields.")
        elif node.attr not in SHARED[REASONS] and not node.attr.startswith("_"):
            self._refuse(node, self._fields.unknown(REASONS, node.attr))
        else:
            return "text"
        return None

    def _filter(self, node: nodes.Filter) -> str | None:
        taken = self._expression(node.node) if node.node is not None else None
        used = FILTERS.get(node.name)
        if used is None:
            hint = nearest(node.name, tuple(FILTERS)) or f" Known: {', '.join(FILTERS)}."
            self._refuse(node, f"unknown filter '{node.name}'.{hint}")
            return None
        if taken is not None and taken not in used.takes:
            wanted = " or ".join(sorted(used.takes))
            self._refuse(node, f"the filter '{node.name}' stands behind {wanted}, not {taken}.")
        self._arguments(node, used)
        return used.gives

    def _arguments(self, node: nodes.Filter, used: TemplateFilter) -> None:
        most = len(used.arguments)
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not most - used.optional <= len(node.args) <= most:
            wanted = f"{most - used.optional} to {most}" if used.optional else str(most)
            self._refuse(node, f"the filter '{node.name}' takes {wanted} values in its brackets, without names.")
        for argument, types in zip(node.args, used.arguments, strict=False):
            found = self._operand(argument)
            if found is not None and found not in types:
                self._refuse(node, f"the filter '{node.name}' takes {' or '.join(sorted(types))} there, not {found}.")


def _compares(operator: str, left: str, right: str) -> bool:
    numbers = left in NUMBERS and right in NUMBERS
    words = {left, right} <= {"text", "date"}
    return numbers if operator in _ORDERING else numbers or words


def _written(node: nodes.Node) -> str:
    """An expression as its author wrote it, as far as that is short."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{_written(node.node)}.{node.attr}"
    if isinstance(node, nodes.Filter) and node.node is not None:
        return f"{_written(node.node)} | {node.name}"
    return "this"
