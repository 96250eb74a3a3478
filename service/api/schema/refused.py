"""What pydantic refuses, in the words of a refusal: which field, what it is, and what it has to be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce
from operator import getitem
from typing import Any

from pydantic import BaseModel, ValidationError

from service.http.refusals import shown

_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument"}
"""How pydantic calls an unknown field of a model, and one of a dataclass."""


def refused_words(error: ValidationError, model: type[BaseModel], content: object, whole: str = "the body") -> str:
    """Return what is wrong with the first field that is; an unknown one goes first, since it explains a missing one.

    Args:
        error: of the model.
        model: says what a field has to be, by its JSON schema.
        content: what was validated.
        whole: what that is called.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = next((each for each in found if each["type"] in _UNKNOWN), found[0])
    *outer, last = loc = first["loc"]
    if first["type"] in _UNKNOWN:
        return f"{_place(outer) or whole} has an unknown field {shown(last)}"
    if first["type"] == "missing":
        return f"{_place(outer) or whole} lacks {last}"
    value: object = reduce(getitem, loc, content)  # type: ignore[arg-type]
    schema = _schema_at(model, loc)
    if isinstance(value, list) and schema.get("type") == "array":
        return f"{_place(loc)} has {len(value)} entries, not {schema['minItems']} to {schema['maxItems']}"
    return f"{_place(loc)} is {shown(value)}, {_wanted(schema)}"


def _place(loc: Sequence[int | str]) -> str:
    """Return the path of a field: messages[3].partition; empty for the whole."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).lstrip(".")


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _schema_at(model: type[BaseModel], loc: Sequence[int | str]) -> dict[str, Any]:
    """Return the JSON schema of a field, whether it may be null or not."""
    whole = _schema(model)

    def resolved(part: dict[str, Any]) -> dict[str, Any]:
        part = next((option for option in part.get("anyOf", ()) if option.get("type") != "null"), part)
        return whole["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part

    part = whole
    for step in loc:
        part = resolved(part["items"] if isinstance(step, int) else part["properties"][step])
    return part


def _wanted(schema: dict[str, Any]) -> str:
    """Return what a value is not that is not of this schema."""
    if "enum" in schema:
        return f"not one of {', '.join(schema['enum'])}"
    kinds = {
        "boolean": "neither true nor false",
        "integer": "not a whole number from {minimum} to {maximum}",
        "number": "not a number from {minimum:f} to {maximum:.0f}",
        "string": "not a text of at most {maxLength} characters",
        "array": "not a list of {minItems} to {maxItems} entries",
        "object": "not an object",
    }
    return kinds[schema["type"]].format_map(schema)
