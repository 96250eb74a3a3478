"""What is said of a setting, in errors and in the documentation: what it means, and what it may be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

BOUND = "bound"
"""The type of a validator's PydanticCustomError whose message completes the sentence "it must be" instead."""


@dataclass(frozen=True, slots=True)
class About:
    """What a setting's type and bounds do not say.

    Attributes:
        meaning: what it does, and its edges.
        written: completes the sentence "it must be", where may_be cannot derive it.
    """

    meaning: str
    written: str | None = None


def about(field: FieldInfo) -> About | None:
    """Return what is said of a setting, or None for a table of settings."""
    return next((item for item in field.metadata if isinstance(item, About)), None)


def may_be(field: FieldInfo) -> str:
    """Return what completes the sentence "it must be": what is written, or else derived from type and bounds.

    Raises:
        TypeError: nothing is written, and the type does not say it.
    """
    said = about(field)
    return said.written if said is not None and said.written is not None else derived(field)


def derived(field: FieldInfo) -> str:
    """Return what type and bounds say that a setting may be.

    Raises:
        TypeError: they do not say it.
    """
    kind = field.annotation
    optional = [item for item in get_args(kind) if item is not NoneType]
    if NoneType in get_args(kind) and len(optional) == 1:
        return derived(FieldInfo.from_annotation(optional[0]))
    if get_origin(kind) is Literal:
        return _one_of(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _one_of([member.value for member in kind])
    lowest, above, highest = (_bound(field, name) for name in ("ge", "gt", "le"))
    shortest, longest = (_bound(field, name) for name in ("min_length", "max_length"))
    if kind is bool:
        return "true or false"
    if kind in (int, float) and highest is not None and (lowest is not None or above is not None):
        start = f"from {lowest} to" if above is None else f"above {above}, at most"
        return f"{'a whole number' if kind is int else 'a number of seconds'} {start} {highest}"
    if kind is str and shortest is not None and longest is not None:
        return f"text of {shortest} to {longest} characters"
    raise TypeError(f"About() has to say what {kind} may be")


def _bound(field: FieldInfo, name: str) -> Any:
    return next((getattr(item, name) for item in field.metadata if hasattr(item, name)), None)


def _one_of(values: Any) -> str:
    *front, last = values
    return f"{', '.join(front)} or {last}"
