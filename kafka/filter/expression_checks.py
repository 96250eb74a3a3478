"""What is wrong with a JMESPath expression whatever value it meets: told before a job is accepted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from jmespath.functions import Functions

from kafka.filter.errors import ExpressionRefused

_ANY = frozenset({"array", "boolean", "null", "number", "object", "string"})
_NUMBER, _STRING, _BOOLEAN = frozenset({"number"}), frozenset({"string"}), frozenset({"boolean"})
_ARRAY, _OBJECT, _EXPRESSION = frozenset({"array"}), frozenset({"object"}), frozenset({"expref"})
_NULL = frozenset({"null"})

_RESULTS = {
    "abs": _NUMBER,
    "avg": _NUMBER | _NULL,
    "ceil": _NUMBER,
    "contains": _BOOLEAN,
    "ends_with": _BOOLEAN,
    "floor": _NUMBER,
    "join": _STRING,
    "keys": _ARRAY,
    "length": _NUMBER,
    "map": _ARRAY,
    "max": _NUMBER | _STRING | _NULL,
    "merge": _OBJECT,
    "min": _NUMBER | _STRING | _NULL,
    "reverse": _ARRAY | _STRING,
    "sort": _ARRAY,
    "sort_by": _ARRAY,
    "starts_with": _BOOLEAN,
    "sum": _NUMBER,
    "to_array": _ARRAY,
    "to_number": _NUMBER | _NULL,
    "to_string": _STRING,
    "type": _STRING,
    "values": _ARRAY,
}
"""What functions return, where that is not anything."""

_NODES = {
    "multi_select_list": _ARRAY | _NULL,
    "multi_select_dict": _OBJECT | _NULL,
    "not_expression": _BOOLEAN,
    "projection": _ARRAY | _NULL,
    "value_projection": _ARRAY | _NULL,
    "filter_projection": _ARRAY | _NULL,
    "flatten": _ARRAY | _NULL,
    "expref": _EXPRESSION,
}
"""What other parts of an expression return, where that is not anything."""

_LITERALS = ((bool, _BOOLEAN), (str, _STRING), (int | float, _NUMBER), (list, _ARRAY), (dict, _OBJECT))
_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

Node = dict[str, Any]


def check_types(node: Node) -> frozenset[str]:
    """Return the types that a part of an expression may have, after all its parts were checked.

    Args:
        node: of the library's syntax tree; not nested deeply.

    Raises:
        ExpressionRefused: it can be true of no value, or fails on all of them; says why.
    """
    kind = node["type"]
    if kind == "slice":
        if node["children"][2] == 0:
            raise ExpressionRefused("the step of a slice is 0")
        return _ARRAY | _NULL
    parts = [check_types(child) for child in node["children"]]
    if kind == "function_expression":
        return _check_function(node["value"], parts)
    if _EXPRESSION in parts:
        raise ExpressionRefused("'&' is outside of the arguments of a function")
    return _check_part(node, parts)


def _check_part(node: Node, parts: Sequence[frozenset[str]]) -> frozenset[str]:
    kind = node["type"]
    if kind == "comparator":
        return _check_comparator(node["value"], parts)
    if kind == "literal":
        return _type_of_literal(node["value"])
    if kind in {"pipe", "subexpression", "index_expression"}:
        return parts[-1]
    if kind in {"or_expression", "and_expression"}:
        return frozenset[str]().union(*parts)
    return _NODES.get(kind, _ANY)


def check_whole(node: Node) -> None:
    """Check a whole expression; see check_types."""
    if check_types(node) == _EXPRESSION:
        raise ExpressionRefused("'&' is outside of the arguments of a function")


def compared_fields(node: Node) -> tuple[str, str] | None:
    """Return the names of the first two fields that an expression compares with each other."""
    for part in _parts(node):
        if part["type"] == "comparator":
            names = [_last_name(child) for child in part["children"]]
            if names[0] is not None and names[1] is not None:
                return names[0], names[1]
    return None


def _check_function(name: str, arguments: Sequence[frozenset[str]]) -> frozenset[str]:
    found = Functions.FUNCTION_TABLE.get(name)
    if found is None:
        known = ", ".join(sorted(Functions.FUNCTION_TABLE))
        raise ExpressionRefused(f"there is no function {name}(); there are {known}")
    parameters: Sequence[dict[str, Any]] = found["signature"]
    variadic = bool(parameters[-1].get("variadic"))
    if len(arguments) < len(parameters) or (len(arguments) > len(parameters) and not variadic):
        least = "at least " if variadic else ""
        raise ExpressionRefused(f"{name}() takes {least}{_count(len(parameters))}, not {len(arguments)}")
    for number, argument in enumerate(arguments):
        types = parameters[min(number, len(parameters) - 1)]["types"]
        allowed = {each.split("-")[0] for each in types} or _ANY
        if not argument & allowed:
            wanted, given = _words(allowed), _words(argument)
            raise ExpressionRefused(f"argument {number + 1} of {name}() is {given}, and has to be {wanted}")
    return _RESULTS.get(name, _ANY)


def _check_comparator(sign: str, sides: Sequence[frozenset[str]]) -> frozenset[str]:
    left, right = sides
    ordering = sign not in {"eq", "ne"}
    comparable = _NUMBER | _STRING if ordering else _ANY
    if not left & right & comparable:
        words = f"{_words(left)} with {_words(right)}"
        raise ExpressionRefused(f"'{_SIGNS[sign]}' compares {words}, so its result never depends on the value")
    return _BOOLEAN | _NULL if ordering else _BOOLEAN


def _type_of_literal(value: object) -> frozenset[str]:
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionRefused("a literal is NaN, or a number that is too large")
    return next((kind for python_type, kind in _LITERALS if isinstance(value, python_type)), _NULL)


def _words(kinds: frozenset[str] | set[str]) -> str:
    if kinds == _EXPRESSION:
        return "an expression with '&'"
    if kinds == _ANY:
        return "a value"
    return " or ".join(sorted(kinds))


def _count(number: int) -> str:
    return "1 argument" if number == 1 else f"{number} arguments"


def _parts(node: Node) -> Iterator[Node]:
    yield node
    if node["type"] != "slice":
        for child in node["children"]:
            yield from _parts(child)


def _last_name(node: Node) -> str | None:
    """Return the name of the field that a node is, or ends in; None if it is something else."""
    if node["type"] == "subexpression":
        return _last_name(node["children"][-1])
    return node["value"] if node["type"] == "field" else None
