"""The options that say which records are meant, the same for `messages` and `job start`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from service.cli.options import require_text

Key = Annotated[str | None, typer.Option("--key", metavar="KEY", help="Records with exactly this key only.")]
KeyPrefix = Annotated[
    str | None, typer.Option("--key-prefix", metavar="TEXT", help="Records whose key starts with this text only.")
]
KeyContains = Annotated[
    str | None, typer.Option("--key-contains", metavar="TEXT", help="Records whose key contains this text only.")
]
WithHeader = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="NAME[=VALUE]", help="Records with this header only; may be repeated."),
]
WithoutHeader = Annotated[
    list[str] | None,
    typer.Option("--without-header", metavar="NAME", help="Records without this header only; may be repeated."),
]
Jmespath = Annotated[
    str | None,
    typer.Option(
        "--jmespath", metavar="EXPRESSION", help="Records whose JSON value matches this JMESPath expression only."
    ),
]
DeadLetterDialect = Annotated[
    str | None,
    typer.Option("--dead-letter-dialect", metavar="DIALECT", help="Dead letters of this dialect only, such as spring."),
]
DeadLetterTopic = Annotated[
    str | None,
    typer.Option("--dead-letter-topic", metavar="TOPIC", help="Dead letters that came from this topic only."),
]
DeadLetterGroup = Annotated[
    str | None,
    typer.Option(
        "--dead-letter-group",
        metavar="GROUP",
        help="Dead letters of this consumer group only; '' for those that name none.",
    ),
]
DeadLetterReason = Annotated[
    str | None,
    typer.Option(
        "--dead-letter-reason",
        metavar="CLASS",
        help="Dead letters with this class of exception only; '' for those that name none.",
    ),
]
IncludeResent = Annotated[
    bool, typer.Option("--include-resent", help="Include records that are already copies (that carry a consumer_key).")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFilter:
    """What these options say.

    Attributes:
        key: as it was typed; so the others.
    """

    key: str | None
    key_prefix: str | None
    key_contains: str | None
    headers: Iterable[str]
    without_headers: Iterable[str]
    jmespath: str | None
    include_resent: bool
    dead_letter_dialect: str | None
    dead_letter_topic: str | None
    dead_letter_group: str | None
    dead_letter_reason: str | None

    def body(self) -> Mapping[str, object]:
        """Return the filter as the API has it, without what was left out.

        Raises:
            BadParameter: an option is not text.
        """
        require_text(
            key=self.key,
            key_prefix=self.key_prefix,
            key_contains=self.key_contains,
            header="".join(self.headers) or None,
            without_header="".join(self.without_headers) or None,
            jmespath=self.jmespath,
            dead_letter_dialect=self.dead_letter_dialect,
            dead_letter_topic=self.dead_letter_topic,
            dead_letter_group=self.dead_letter_group,
            dead_letter_reason=self.dead_letter_reason,
        )
        conditions: list[dict[str, object]] = []
        for text in self.headers:
            name, sign, value = text.partition("=")
            conditions.append({"name": name, "value": value} if sign else {"name": name})
        conditions += [{"name": name, "absent": True} for name in self.without_headers]
        dead_letters = {
            "dialect": self.dead_letter_dialect,
            "topic": self.dead_letter_topic,
            "group": self.dead_letter_group,
            "reason": self.dead_letter_reason,
        }
        asked = {
            "key": self.key,
            "key_prefix": self.key_prefix,
            "key_contains": self.key_contains,
            "headers": conditions or None,
            "jmespath": self.jmespath,
            "include_resent": self.include_resent or None,
            "dead_letters": {name: value for name, value in dead_letters.items() if value is not None} or None,
        }
        return {name: value for name, value in asked.items() if value is not None}
