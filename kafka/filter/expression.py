"""JMESPath expressions that filter records: parsed and checked before a job is accepted, evaluated within a budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import Parser

from kafka.filter.errors import ExpressionRefused
from kafka.filter.expression_checks import check_whole, compared_fields
from kafka.filter.interpreter import Budget, EvaluationFailed, Interpreter, is_false
from kafka.model.json_value import NestedTooDeeply, parse_json

MAX_CHARACTERS = 4096
"""Length of an expression."""

MAX_DEPTH = 64
"""How deep the parts of an expression may be nested; a chain of `||`, `&&` or `|` counts as one level."""

_CHAINS = frozenset({"or_expression", "and_expression", "pipe"})
_STEPS = 50_000
_STEPS_PER_BYTE = 2
_MAX_STEPS = 1_000_000

Node = dict[str, Any]
"""A node of the library's syntax tree; see jmespath.ast."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked JMESPath expression.

    Attributes:
        tree: its syntax tree.
    """

    tree: Node
    _idle: list[Interpreter] = field(default_factory=list, init=False, repr=False, compare=False)

    def is_true_of(self, value: bytes) -> bool:
        """Return whether it is true of a record's value, as JMESPath has it: null, false and what is empty are not.

        Costs at most a fixed number of steps for each byte of the value, and memory in proportion.

        Raises:
            NotJson: the value is not JSON.
            EvaluationFailed: the expression cannot be evaluated on this value; the reason tells nothing of the value.
        """
        # To make one takes as long as a short expression does; threads that evaluate at once have each their own.
        try:
            interpreter = self._idle.pop()
        except IndexError:
            interpreter = Interpreter(Budget(0))
        interpreter.budget.renew(max_steps(len(value)))
        try:
            return not is_false(interpreter.visit(self.tree, parse_json(value)))
        except (NestedTooDeeply, RecursionError):
            raise EvaluationFailed("the value is nested too deeply") from None
        finally:
            self._idle.append(interpreter)

    def evaluate(self, value: object, budget: Budget) -> object:
        """Return what it finds in a value.

        Raises:
            EvaluationFailed: it cannot be evaluated on this value, or takes more steps.
            RecursionError: the value is nested too deeply for to_string().
        """
        found: object = Interpreter(budget).visit(self.tree, value)
        return found

    @property
    def compared_fields(self) -> tuple[str, str] | None:
        """The names of the first two fields that it compares with each other; None if it does not."""
        return compared_fields(self.tree)


def max_steps(value_bytes: int) -> int:
    """Return how many steps an expression may take on a value of that size."""
    return min(_STEPS + _STEPS_PER_BYTE * value_bytes, _MAX_STEPS)


def parse_expression(text: str) -> Expression:
    """Return the expression that a text is.

    Raises:
        ExpressionRefused: it is none, or cannot work on any value: an unknown function, a wrong number of arguments, a
            type that a function does not take.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionRefused(f"it has more than {MAX_CHARACTERS} characters")
    try:
        parsed: Node = dict(jmespath.compile(text).parsed)
    except RecursionError:
        raise ExpressionRefused("it is nested too deeply") from None
    except JMESPathError as error:
        raise ExpressionRefused(" ".join(str(error).split())) from None
    finally:
        # The library keeps the last 512 trees, of all callers.
        Parser.purge()
    tree = _with_flat_chains(parsed, MAX_DEPTH)
    check_whole(tree)
    return Expression(tree)


def _with_flat_chains(node: Node, levels: int) -> Node:
    """Return the tree with `a || b || c` as one node of three children instead of one in the other.

    Raises:
        ExpressionRefused: it is nested deeper than that many levels.
    """
    if not levels:
        raise ExpressionRefused(f"it is nested more than {MAX_DEPTH} levels deep")
    children = node["children"]
    if node["type"] == "slice":
        # Its children are numbers.
        return node
    if node["type"] in _CHAINS:
        children = _chain(node)
    return {**node, "children": [_with_flat_chains(child, levels - 1) for child in children]}


def _chain(node: Node) -> list[Node]:
    """Return what a chain of one operator consists of; the library nests it to the left."""
    backwards: list[Node] = []
    kind = node["type"]
    while node["type"] == kind:
        first, last = node["children"]
        backwards.append(last)
        node = first
    return [node, *reversed(backwards)]
