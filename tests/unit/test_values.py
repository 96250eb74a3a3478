"""How keys, headers and values look in one line: harmless, and no two contents alike."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.values import previewed, shown

CONTENTS = st.none() | st.text(st.characters(codec="utf-8"), max_size=20).map(str.encode) | st.binary(max_size=6)
LOOKALIKES = st.sampled_from(
    [
        None,
        b"",
        b'""',
        b"null",
        b'"null"',
        b"\xff",
        b"0xff",
        b'"0xff"',
        b"\x1b",
        b"\\x1b",
        b'"\\x1b"',
        b"\\\x1b",
        b" ",
        b"a ",
    ]
)


def api(content: bytes | None) -> tuple[str | None, str]:
    """Return a content as the API tells it."""
    if content is None:
        return None, "utf-8"
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), "base64"


@given(CONTENTS | LOOKALIKES, CONTENTS | LOOKALIKES)
def test_contents_that_differ_are_shown_differently(one: bytes | None, other: bytes | None) -> None:
    """What is shown tells the content, to the byte."""
    assert (one == other) == (shown(*api(one)) == shown(*api(other)))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "null"),
        (b"", '""'),
        (b"null", '"null"'),
        (b"order-1004", "order-1004"),
        (b'{"a": 1}', '"{\\"a\\": 1}"'),
        (b"\xff\xfe", "0xfffe"),
        (b"0xfffe", '"0xfffe"'),
        (b"/w== (base64)", "/w== (base64)"),
        (rb"C:\x1b", r"C:\x1b"),
        (b"\x1b[31m\\", r'"\x1b[31m\\"'),
        (b"one\ntwo", r'"one\ntwo"'),
        (b"a  for b", '"a  for b"'),
        (b"name: value", '"name: value"'),
        ("Grüße 東京".encode(), "Grüße 東京"),
        ("cut…".encode(), '"cut…"'),
    ],
)
def test_content_is_shown_as_documented(content: bytes | None, text: str) -> None:
    """Text as it is where it can be taken for nothing else, else in quotes; bytes in hexadecimal digits."""
    assert text == shown(*api(content))


def test_content_that_is_long_is_cut_and_says_so() -> None:
    """A sign at the end says that there is more."""
    assert "aaaa…" == shown("a" * 6, characters=5)
    assert "aaaaa" == shown("a" * 5, characters=5)
    assert "0xff…" == shown("////", "base64", characters=5)


def test_word_that_means_something_else_is_quoted() -> None:
    """A consumer_key may be called everybody."""
    assert '"everybody"' == shown("everybody", reserved={"everybody"})


@pytest.mark.parametrize(
    ("preview", "lossy", "text"),
    [
        (None, False, "null"),
        ("", False, '""'),
        ("null", False, '"null"'),
        (" \n", False, r'" \n"'),
        ('{\n  "a": "\\u00e9"', False, '{ "a": "\\u00e9"'),
        ('"text"', False, r'"\"text\""'),
        ("\ufffd\ufffd", True, "(bytes) \ufffd\ufffd"),
        ("\ufffd\ufffd", False, "\ufffd\ufffd"),
        ("(bytes) x", False, '"(bytes) x"'),
        ("\x1b]0;x", False, r'"\x1b]0;x"'),
    ],
)
def test_preview_is_one_line_and_tells_what_the_value_is(preview: str | None, *, lossy: bool, text: str) -> None:
    """JSON that is folded out comes in one line; null, empty, text and bytes differ."""
    assert text == previewed(preview, lossy=lossy)
