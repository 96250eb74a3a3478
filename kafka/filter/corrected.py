"""What an expression was probably meant to be, where it compares a field with the name of another one."""

from __future__ import annotations

from jmespath.lexer import Lexer

_COMPARATORS = frozenset({"eq", "ne", "lt", "lte", "gt", "gte"})
_NAMES = frozenset({"quoted_identifier", "unquoted_identifier"})
_GOES_ON = frozenset({"dot", "lparen", "lbracket", "flatten", "filter"})


def with_texts(expression: str) -> str | None:
    """Return the expression with a text in the place of each name that a field is compared with; None without any.

    Args:
        expression: one that can be parsed: `status == "FAILED"` becomes `status == 'FAILED'`.
    """
    tokens = list(Lexer().tokenize(expression))
    parts: list[str] = []
    reached = 0
    for before, sign, name, after in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if sign["type"] not in _COMPARATORS or before["type"] not in _NAMES or name["type"] not in _NAMES:
            continue
        # A text in single quotes has no way to write a backslash before its end.
        if after["type"] in _GOES_ON or "\\" in name["value"]:
            continue
        text = name["value"].replace("'", "\\'")
        # The library's own `end` of a quoted name is its length.
        end = name["start"] + len(expression[name["start"] : after["start"]].rstrip())
        parts += [expression[reached : name["start"]], f"'{text}'"]
        reached = end
    return "".join([*parts, expression[reached:]]) if parts else None
