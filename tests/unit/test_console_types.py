"""The types that the console's scripts are checked with are those of the API's bodies."""

from __future__ import annotations

from tests.support.console_types import TYPES, document, long_names, rendered


def test_types_are_those_of_the_openapi_document() -> None:
    """Each field by its name, its type, and whether it may be null or absent."""
    expected = rendered(document()["components"]["schemas"], long_names())

    assert expected == TYPES.read_text("utf-8"), "run python -m tests.support.console_types"


def test_every_name_that_is_read_as_bigint_is_an_integer_of_the_api() -> None:
    """Without its name, a field would be a number or a BigInt by its size, and nothing would say so."""
    types = TYPES.read_text("utf-8")

    assert [] == sorted(
        name for name in long_names() if f" {name}: bigint" not in types and f" {name}?: bigint" not in types
    )
