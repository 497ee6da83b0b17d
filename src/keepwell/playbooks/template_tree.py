"""A text as the tree that Jinja2's parser makes of it. Nothing is run to make it."""

from collections.abc import Sequence
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes

LARGEST: Final = 16 * 1024
# Levels of a tree, its root and each filter of a chain among them.
DEEPEST: Final = 20
_TOO_DEEP: Final = "this cannot be read as a template: it is nested too deeply."


def parse(text: str) -> nodes.Template | tuple[int, str]:
    """The tree, or the line (from 1) and the sentence of why there is none."""
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        return 1, f"the text has more than {LARGEST} bytes."
    try:
        tree = Environment(autoescape=True).parse(text)
    except TemplateSyntaxError as error:
        told = (error.message or "it cannot be read").rstrip(".")
        return error.lineno, f"this cannot be read as a template: {told[:1].lower()}{told[1:]}."
    except RecursionError:
        return 1, _TOO_DEEP
    except (ValueError, OverflowError):
        # The lexer turns the digits of a number into one without looking at them first.
        return 1, "this cannot be read as a template: it holds a number that is too long."
    level: list[nodes.Node] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in node.iter_child_nodes()]
    return (level[0].lineno or 1, _TOO_DEEP) if level else tree


def literals(tree: nodes.Template) -> Sequence[tuple[int, str]]:
    """The words that a filter puts into the text, with their lines: facts may not hide there either."""
    return [
        (argument.lineno, argument.value)
        for used in tree.find_all(nodes.Filter)
        for argument in used.args
        if isinstance(argument, nodes.Const) and isinstance(argument.value, str)
    ]
