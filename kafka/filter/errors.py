"""What can be wrong with a filter."""

from __future__ import annotations

from dataclasses import dataclass

from kafka.model.errors import NothingWritten


@dataclass(eq=False)
class ExpressionRefused(NothingWritten):
    """A JMESPath expression cannot be parsed, or cannot work on any value.

    Attributes:
        reason: the parser's own words, or those of expression_checks.
    """

    reason: str

    def __str__(self) -> str:
        return f"the JMESPath expression is refused: {self.reason}"
