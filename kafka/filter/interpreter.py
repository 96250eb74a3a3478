"""Evaluates JMESPath expressions within a budget of steps, so that no expression takes long or fills the memory.

A visit to a node of the expression costs a step, as does each element that is copied, compared, sorted or written, and
every 8 characters. Values are shared, not copied, where `[@, @]` names one twice: what walks through values (`==`,
`contains`, `to_string`) pays for each part as often as it comes past.
A little long for a module: the functions charge for what they do by the same rules as the interpreter that calls them.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jmespath.exceptions import JMESPathTypeError
from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter

from kafka.model.json_value import parse_number

_CHARACTERS_PER_STEP = 8
_COMPARISONS_PER_STEP = 8
_ORDER = {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge}


class EvaluationFailed(Exception):
    """An expression cannot be evaluated on a value. The reason tells nothing of the value's content."""


class Budget:
    """What is left for the evaluation of one expression on one value.

    Args:
        steps: how many it may take.
    """

    __slots__ = ("_steps", "left")

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self.left = steps

    def renew(self, steps: int) -> None:
        """Begin again, for another value."""
        self._steps = self.left = steps

    def spend(self, steps: int) -> None:
        """Count steps, before they are taken.

        Raises:
            EvaluationFailed: that many are not left.
        """
        self.left -= steps
        if self.left < 0:
            raise EvaluationFailed(f"it takes more than {self._steps:,} steps on this value")

    def spend_on_text(self, text: str, times: int = 1) -> None:
        """Count the steps for going through a text, that many times."""
        self.spend((len(text) // _CHARACTERS_PER_STEP + 1) * times)

    def spend_on_elements(self, value: object, times: int = 1) -> None:
        """Count the steps for going through the elements of a value, and through the characters of those that are text.

        Args:
            value: any; only text, arrays and objects cost something.
            times: how often.
        """
        if isinstance(value, str):
            self.spend_on_text(value, times)
        elif isinstance(value, dict):
            self.spend(len(value) * times)
        elif isinstance(value, list):
            self.spend(len(value) * times)
            self.spend(sum(len(each) // _CHARACTERS_PER_STEP for each in value if isinstance(each, str)) * times)


class Interpreter(TreeInterpreter):
    """Evaluates expressions as checked by expression_checks, as long as the budget lasts.

    Args:
        budget: for all evaluations until it is renewed.

    Attributes:
        budget: as above.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__(Options(custom_functions=_Functions(budget)))
        self.budget = self._budget = budget
        self._visits: dict[str, Callable[..., Any]] = {}

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the value of a part of the expression; counts a step."""
        # As Budget.spend(1) and the library's visit(), without the calls: this is most of the work.
        self._budget.left -= 1
        if self._budget.left < 0:
            self._budget.spend(0)
        kind = node["type"]
        method = self._visits.get(kind)
        if method is None:
            method = self._visits[kind] = getattr(self, f"visit_{kind}")
        return method(node, *args, **kwargs)

    def visit_or_expression(self, node: Any, value: Any) -> Any:
        """Return the first alternative that is true, else the last one; there may be any number."""
        found = None
        for child in node["children"]:
            found = self.visit(child, value)
            if not is_false(found):
                break
        return found

    def visit_and_expression(self, node: Any, value: Any) -> Any:
        """Return the first part that is false, else the last one; there may be any number."""
        found = None
        for child in node["children"]:
            found = self.visit(child, value)
            if is_false(found):
                break
        return found

    def visit_comparator(self, node: Any, value: Any) -> bool | None:
        """Return the result of a comparison; None for an order of what has none."""
        children = node["children"]
        left, right = self.visit(children[0], value), self.visit(children[1], value)
        name: str = node["value"]
        if name in {"eq", "ne"}:
            return equal(left, right, self._budget) is (name == "eq")
        kinds = {_kind(left), _kind(right)}
        if not kinds <= {"number", "string"}:
            # As JMESPath has it.
            return None
        if len(kinds) > 1:
            raise EvaluationFailed("it compares a string with a number")
        if isinstance(left, str):
            self._budget.spend_on_text(min(left, right, key=len))
        found: bool = _ORDER[name](left, right)
        return found

    def visit_flatten(self, node: Any, value: Any) -> list[Any] | None:
        """Return an array without its innermost brackets; each element costs a step before it is copied."""
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        found: list[Any] = []
        for element in base:
            part = element if isinstance(element, list) else [element]
            self._budget.spend(len(part))
            found.extend(part)
        return found

    def visit_slice(self, node: Any, value: Any) -> list[Any] | None:
        """Return a part of an array."""
        if not isinstance(value, list):
            return None
        self._budget.spend(len(value))
        return value[slice(*node["children"])]


class _Functions(Functions):
    """The functions of JMESPath, each of which pays before it works.

    Args:
        budget: what it pays from.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        arguments = list(resolved_args)
        if function_name not in _COST_NOTHING:
            for argument in arguments:
                self._budget.spend_on_elements(argument)
        try:
            found = super().call_function(function_name, arguments)
        except JMESPathTypeError as error:
            # The library's own words quote the value.
            raise EvaluationFailed(_takes(error.function_name, error.expected_types, error.actual_type)) from None
        except (ArithmeticError, ValueError):
            raise EvaluationFailed(f"{function_name}() meets a number that is too large") from None
        if isinstance(found, float) and math.isnan(found):
            raise EvaluationFailed(f"{function_name}() has no result: infinite less infinite")
        return found

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: str | list[Any], search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(equal(element, search, self._budget) for element in subject)

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: list[str]) -> str:
        self._budget.spend_on_text(separator, len(array))
        return separator.join(array)

    @signature({"types": ["array-string", "array-number"]})
    def _func_sort(self, array: list[Any]) -> list[Any]:
        self._spend_on_sorting(array)
        return sorted(array)

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_sort_by(self, array: list[Any], expression: Any) -> list[Any]:
        keys = self._keys("sort_by", array, expression)
        self._spend_on_sorting(keys)
        return [array[index] for index in sorted(range(len(array)), key=keys.__getitem__)]

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_min_by(self, array: list[Any], expression: Any) -> Any:
        keys = self._keys("min_by", array, expression)
        self._budget.spend_on_elements(keys)
        return array[min(range(len(array)), key=keys.__getitem__)] if array else None

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_max_by(self, array: list[Any], expression: Any) -> Any:
        keys = self._keys("max_by", array, expression)
        self._budget.spend_on_elements(keys)
        return array[max(range(len(array)), key=keys.__getitem__)] if array else None

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> int | float | None:
        if isinstance(value, str):
            return parse_number(value)
        return value if _kind(value) == "number" else None

    @signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        _spend_on_all(value, self._budget)
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def _spend_on_sorting(self, keys: list[Any]) -> None:
        # To compare two numbers takes a small part of the time of a step.
        self._budget.spend_on_elements(keys, 1 + len(keys).bit_length() // _COMPARISONS_PER_STEP)

    def _keys(self, name: str, array: list[Any], expression: Any) -> list[Any]:
        """Return what each element is ordered by."""
        keys = [expression.visit(expression.expression, element) for element in array]
        kinds = {_kind(key) for key in keys}
        if len(kinds) > 1 or not kinds <= {"number", "string"}:
            raise EvaluationFailed(f"{name}() orders by numbers or by strings, not by {' and '.join(sorted(kinds))}")
        return keys


_COST_NOTHING = frozenset({"length", "map", "max_by", "min_by", "not_null", "sort_by", "to_array", "type"})
"""Functions whose cost does not depend on how large their arguments are, or that pay for it themselves."""


def _takes(function: str, expected: Sequence[str], actual: str) -> str:
    kinds = " or ".join(kind.replace("array-", "array of ") + ("s" if "-" in kind else "") for kind in expected)
    return f"{function}() takes {kinds}, not {_LIBRARY_KINDS.get(actual, actual)}"


_KINDS = {str: "string", bool: "boolean", list: "array", dict: "object", int: "number", float: "number"}
_LIBRARY_KINDS = {kind.__name__: name for kind, name in _KINDS.items()} | {"NoneType": "null"}


def _kind(value: object) -> str:
    """Return the name of a value's type in JMESPath."""
    return _KINDS.get(type(value), "null")


def is_false(value: object) -> bool:
    """Return whether a value counts as false in JMESPath: null, false, and what is empty; 0 does not."""
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)


def equal(left: object, right: object, budget: Budget) -> bool:
    """Return whether two values are equal: of the same type and the same content; an int may equal a float.

    Raises:
        EvaluationFailed: that takes too many steps, or two numbers are too large to be told apart.
    """
    pairs: list[tuple[Any, Any]] = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        budget.spend(1)
        kind = _kind(one)
        if kind != _kind(other):
            return False
        if kind in {"array", "object"}:
            if len(one) != len(other):
                return False
            budget.spend(len(one))
            if kind == "array":
                pairs.extend(zip(one, other, strict=True))
            elif one.keys() != other.keys():
                return False
            else:
                pairs.extend((content, other[name]) for name, content in one.items())
            continue
        if kind == "string":
            budget.spend_on_text(one)
        if one != other:
            return False
        if one in _INFINITE and kind == "number":
            raise EvaluationFailed("it compares numbers that are too large to be told apart")
    return True


_INFINITE = (float("inf"), float("-inf"))


def _spend_on_all(value: object, budget: Budget) -> None:
    """Count the steps for going through a value to its leaves."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        budget.spend_on_elements(found)
        if isinstance(found, list):
            budget.spend(1)
            waiting.extend(found)
        elif isinstance(found, dict):
            for name in found:
                budget.spend_on_text(name)
            waiting.extend(found.values())
        else:
            budget.spend(1)
