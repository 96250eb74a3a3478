"""What the command line prints: whatever a record holds, it cannot drive the terminal."""

from __future__ import annotations

import base64
import io
import json
import os
import unicodedata
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.output import (
    Column,
    Json,
    json_line,
    print_record,
    print_records,
    print_table,
    record_line,
    time_text,
    value_parts,
)
from service.visible import visible

TEXTS = st.text(st.characters(), max_size=60) | st.sampled_from(
    [
        "\x1b[2J\x1b]0;owned\x07",
        "\x9b31m",
        "\x7f\x08\x08\r\n\t",
        "[red]red[/red] [link=https://example.org]x[/link] :skull:",
        "\u202egpj.exe\u202c\u2066\u2069\u200f\u061c",
        "\u2028\u2029\ufeff\u00ad\ud800",
    ]
)
KEYS = st.none() | TEXTS


def record(key: str | None, consumer_key: str | None, preview: str | None, value: str | None) -> Json:
    return {
        "topic": "orders",
        "partition": 0,
        "message_offset": 4,
        "timestamp": 1_700_000_000_000,
        "timestamp_type": "CreateTime",
        "key": key,
        "key_encoding": "utf-8",
        "size": 12,
        "value_size": 9,
        "consumer_key": consumer_key,
        "consumer_key_encoding": "utf-8",
        "has_consumer_key": consumer_key is not None,
        "huge_message": False,
        "preview": preview,
        "value": value,
        "value_encoding": "utf-8",
        "headers": [{"name": key or "", "value": value, "encoding": "utf-8"}],
    }


def printed(print_it: Callable[[], None], columns: int = 200) -> str:
    """Return what reaches a terminal without colours that is so wide."""
    output = io.StringIO()
    with (
        patch.dict(os.environ, {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": str(columns)}),
        redirect_stdout(output),
    ):
        print_it()
    return output.getvalue()


def drivers(text: str) -> set[str]:
    """Return the characters in a text that do something to a terminal instead of being shown, apart from a new line."""
    return {
        character
        for character in text
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character != "\n"
    }


@given(TEXTS)
def test_visible_text_holds_nothing_that_drives_a_terminal(text: str) -> None:
    """Controls, direction marks and separators are written out, new lines too; printable text stays as it is."""
    shown = visible(text)

    assert set() == drivers(shown)
    assert "\n" not in shown
    assert not text.isprintable() or shown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
        ("a\nb", r"a\x0ab"),
        ("\u202e\u2066", r"\u202e\u2066"),
        ("\U000e0041", r"\U000e0041"),
        ("Grüße, 東京 😀 [red]", "Grüße, 東京 😀 [red]"),
    ],
)
def test_visible_text_shows_what_was_there(text: str, shown: str) -> None:
    """What is not sent to the terminal is shown by its number; letters of all scripts are left alone."""
    assert shown == visible(text)


@given(TEXTS)
def test_json_line_is_printable_ascii_and_reads_back_the_same(text: str) -> None:
    """A program gets every character, a terminal that shows the line gets none that drives it."""
    line = json_line({text: [text]})

    assert line.isascii()
    assert line.isprintable()
    assert {text: [text]} == json.loads(line)


@given(KEYS, KEYS, KEYS, KEYS, st.sampled_from([60, 80, 200]))
def test_printed_records_hold_nothing_that_drives_a_terminal(
    key: str | None, consumer_key: str | None, preview: str | None, value: str | None, columns: int
) -> None:
    """A table, a narrow list, a line of tail, and one record with headers and value: none passes a control on."""
    hostile = record(key, consumer_key, preview, value)

    assert set() == drivers(printed(lambda: print_records([hostile, hostile], preview=True), columns))
    assert set() == drivers(printed(lambda: print_record(hostile), columns))
    assert set() == drivers(record_line(hostile, preview=True))
    assert "\n" not in record_line(hostile, preview=True)


def test_printed_table_shows_markup_as_text() -> None:
    """What looks like rich's markup, a link or an emoji's name is text."""
    text = "[red]x[/red][link=https://example.org]y[/link]:skull:[/]"

    assert text in printed(lambda: print_table([Column("name")], [[text]]))
    assert text in printed(lambda: print_record(record(text, None, None, text)))


@pytest.mark.parametrize(
    ("value", "heading", "lines"),
    [
        (None, "null", ""),
        ("", '""', ""),
        ("null", "9 bytes of text", "null"),
        ("plain text", "9 bytes of text", "plain text"),
        ("12.50", "9 bytes of text", "12.50"),
        ("{not JSON", "9 bytes of text", "{not JSON"),
        (
            '{"a":1.50,"a":[{},[],"{,}\\""]}',
            "9 bytes of JSON",
            '{\n  "a": 1.50,\n  "a": [\n    {},\n    [],\n    "{,}\\""\n  ]\n}',
        ),
        ("[" * 5000 + "]" * 5000, "9 bytes of text", "[" * 5000 + "]" * 5000),
        ("[" * 200 + "]" * 200, "9 bytes of JSON", "[" * 200 + "]" * 200),
        (r"C:\x1b", "9 bytes of text", r"C:\x1b"),
        (
            "\x1b \\x1b\nline",
            r"9 bytes of text, with what cannot be shown as \x1b, and a backslash as \\",
            "\\x1b \\\\x1b\nline",
        ),
    ],
    ids=lambda part: repr(part)[:20],
)
def test_value_is_told_for_what_it_is_and_loses_nothing(value: str | None, heading: str, lines: str) -> None:
    """Null, empty and text differ; only JSON is folded out, its numbers keep their digits and repeated names stay."""
    assert (heading, lines) == value_parts(record(None, None, None, value))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_folded_out_json_is_the_same_json(value: object) -> None:
    """Only blanks are added."""
    assert value == json.loads(value_parts(record(None, None, None, json.dumps(value)))[1])


def test_value_of_bytes_is_shown_in_hexadecimal() -> None:
    """What is not UTF-8 comes as base64, and is shown as digits with the letters that are in it."""
    heading, shown = value_parts(
        {
            **record(None, None, None, None),
            "value": base64.b64encode(b"\xffabc\x1b").decode(),
            "value_encoding": "base64",
        }
    )

    assert "9 bytes that are not UTF-8, in hexadecimal digits" == heading
    assert shown.startswith("000000  ff 61 62 63 1b ")
    assert shown.endswith("  .abc.")


def test_value_that_is_huge_is_told_by_its_size() -> None:
    """There is no value in the answer then."""
    huge = {name: value for name, value in record(None, None, None, None).items() if name != "value"}

    heading, lines = value_parts({**huge, "huge_message": True, "value_size": 5000000})
    assert heading.startswith("5000000 bytes: too large to be shown here")
    assert "" == lines


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_records_that_differ_look_different(columns: int) -> None:
    """Null, empty, the text null, bytes, and the text that such bytes are shown as: in a table, in lines, and alone."""
    contents = [(None, "utf-8"), ("", "utf-8"), ("null", "utf-8"), ("/w==", "base64"), ("/w== (base64)", "utf-8")]
    contents += [("0xff", "utf-8"), ('""', "utf-8"), ("?", "utf-8"), ("everybody", "utf-8")]
    as_key = [{**record(None, None, None, None), "key": key, "key_encoding": encoding} for key, encoding in contents]
    as_consumer_key = [
        {
            **record(None, None, None, None),
            "consumer_key": key,
            "consumer_key_encoding": encoding,
            "has_consumer_key": has,
        }
        for key, encoding, has in [*((key, encoding, True) for key, encoding in contents), (None, "utf-8", None)]
    ]
    as_consumer_key.append({**record(None, None, None, None), "has_consumer_key": False})
    as_value = [
        {**record(None, None, None, text), "value_encoding": encoding, "value_size": None if text is None else 9}
        for text, encoding in contents
    ]
    as_header = [
        {**record(None, None, None, None), "headers": [{"name": "a", "value": text, "encoding": encoding}]}
        for text, encoding in contents
    ]
    previews = [
        (None, False),
        ("", False),
        ("null", False),
        ("\ufffd", True),
        ("\ufffd", False),
        ("(bytes) \ufffd", False),
    ]
    as_preview = [{**record(None, None, text, None), "preview_lossy": lossy} for text, lossy in previews]
    for listed in (as_key, as_consumer_key, as_preview):
        shown = [printed(partial(print_records, [one], preview=True), columns) for one in listed]
        assert len(set(shown)) == len(listed), shown
    for alone in (as_key, as_value, as_header):
        shown = [printed(partial(print_record, one), columns) for one in alone]
        assert len(set(shown)) == len(alone), shown


@pytest.mark.parametrize("timestamp_ms", [None, 0, 1_700_000_000_123, 2**62])
def test_time_of_a_record_is_shown_whatever_it_is(timestamp_ms: int | None) -> None:
    """A record may have no time, or one that no calendar has."""
    shown = time_text(timestamp_ms)

    assert (timestamp_ms is None) == (shown == "-")
    assert (timestamp_ms == 2**62) == shown.endswith(" ms")
