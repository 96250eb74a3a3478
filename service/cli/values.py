r"""What keys, headers, names and values look like in one line of a terminal.

A producer can write anything into them. So what could drive a terminal is shown, not sent, and two
contents that differ look different:

    null        there is none; a header without a value
    ""          an empty text
    text        text as it is, where it cannot be taken for one of the others
    "a\x1b\""    other text, in quotes: a backslash and a quote have a backslash before them
    0xff00      bytes that are not UTF-8

`text…` is the beginning of a longer one. How a value begins is shown alike, with its white space as single blanks; one
that is not UTF-8 as `(bytes) …`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection

from service.visible import visible

NULL = "null"
_MORE = "…"
_BYTES = "(bytes) "

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}
_ONE_BLANK = re.compile(r"[ \t\r\n]+")


def shown(
    content: str | None, encoding: str = "utf-8", *, characters: int | None = None, reserved: Collection[str] = ()
) -> str:
    """Return a key, a header or a name for one line, different for each content.

    Args:
        content: as the API tells it.
        encoding: utf-8, or base64.
        characters: most of them to show; None: all.
        reserved: words that mean something else at this place: a text that is one of them is quoted.
    """
    if content is None:
        return NULL
    if encoding == "base64":
        return _cut(f"0x{base64.b64decode(content).hex()}", characters)
    return _cut(_quoted(content) if _needs_quotes(content, reserved) else content, characters)


def _cut(text: str, characters: int | None) -> str:
    return text if characters is None or len(text) <= characters else f"{text[: characters - 1]}{_MORE}"


def _needs_quotes(text: str, reserved: Collection[str]) -> bool:
    return (
        not text.isprintable()
        or text in {"", NULL}
        or text in reserved
        or text.startswith(('"', "0x", " "))
        # What is beside it in a line is two blanks away, a header's value a colon and a blank.
        or text.endswith((" ", ":", _MORE))
        or "  " in text
        or ": " in text
    )


def _quoted(text: str) -> str:
    return f'"{"".join(_NAMED.get(character) or visible(character) for character in text)}"'


def previewed(record_preview: str | None, *, lossy: bool) -> str:
    """Return how a value begins: its white space as single blanks, which a preview has no lines for.

    Args:
        record_preview: as the API tells it.
        lossy: it holds bytes that are not UTF-8, each as U+FFFD.
    """
    if record_preview is None:
        return NULL
    text = _ONE_BLANK.sub(" ", record_preview)
    if lossy:
        return f"{_BYTES}{visible(text)}"
    if text == " ":
        return shown(record_preview)
    # It is the last in its line: blanks and colons, of which it has many, cannot be taken for something else.
    quoted = not text.isprintable() or text in {"", NULL} or text.startswith(('"', "0x", _BYTES))
    return _quoted(text) if quoted else text
