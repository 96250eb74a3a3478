r"""Text of strangers for a terminal: what could drive it is shown, not sent."""

from __future__ import annotations


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return text with all that is no letter, digit, sign or blank written out, as \x1b or \u202e.

    That is the control characters C0, DEL and C1, those that turn the direction of writing around or join letters,
    the separators other than the blank, and what is no character at all. A backslash stays: this is for words and for
    whole values, `service.cli.values.shown` tells all contents apart.

    Args:
        text: as it came.
        lines: a line's end stays one.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or (lines and character == "\n") else _written_out(character)
        for character in text
    )


def _written_out(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
