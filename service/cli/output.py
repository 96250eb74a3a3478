"""What records and topics look like in a terminal, or as JSON.

A producer can write anything into a key, a header or a value. Here it is made harmless: what could
drive a terminal is shown, not sent. Nothing that came from elsewhere is printed without `visible` or `json_line`, and
none of it as rich's markup.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kafka.model.json_value import parse_json
from service.cli.values import previewed, shown
from service.visible import visible

if TYPE_CHECKING:
    from rich.text import Text

Json = Mapping[str, Any]
"""An object of the API's, its fields named as the API names them."""

_KEY_CHARACTERS = 30
_NOT_KNOWN = "?"
_HEX_BYTES = 1024
_LEAST_WIDTH = 12
_TABLE_WIDTH = 80
_DEEPEST = 100
_ZONE_FROM = len("2026-01-31 13:45:00.000")
_OPENING = frozenset("{[")
_CLOSING = frozenset("}]")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: above it.
        number: its cells are set to the right.
        whole: its cells are never broken into lines.
        cut: its cells are cut off where the terminal has no more room.
    """

    heading: str
    number: bool = False
    whole: bool = False
    cut: bool = False


def json_line(value: object) -> str:
    """Return a value as JSON in one line of printable ASCII characters."""
    # DEL is ASCII, so the encoder leaves it; a JSON text can hold one only inside of a string.
    return json.dumps(value, ensure_ascii=True).replace("\x7f", "\\u007f")


def write(text: str) -> None:
    """Write a line to standard output, and let it out at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(values: Iterable[object]) -> None:
    """Write values to standard output, each as JSON on a line of its own."""
    sys.stdout.write("".join(f"{json_line(value)}\n" for value in values))
    sys.stdout.flush()


def tell(words: str) -> None:
    """Write words to standard error, broken between them on a terminal: what is no result."""
    sys.stderr.write(f"{fitted(f'kafka-resend: {visible(words)}')}\n")
    sys.stderr.flush()


def fitted(words: str) -> str:
    """Return words in lines that the terminal of standard error has room for; elsewhere as they are."""
    if not sys.stderr.isatty():
        return words
    import shutil
    import textwrap

    width = max(_LEAST_WIDTH, shutil.get_terminal_size().columns - 1)
    return "\n".join(textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False))


def is_interactive(*, as_json: bool) -> bool:
    """Whether the output goes to a terminal, and JSON was not asked for."""
    # Names and values of records may hold what the terminal's encoding has no bytes for.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    return not as_json and sys.stdout.isatty()


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on the terminal; whatever its cells hold, they cannot drive it.

    Args:
        columns: from left to right.
        rows: a cell for each column.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from service.cli.terminal import output

    table = Table(
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
        expand=any(column.cut for column in columns),
    )
    for column in columns:
        table.add_column(
            column.heading,
            justify="right" if column.number else "left",
            no_wrap=column.whole or column.cut,
            overflow="ellipsis" if column.cut else "fold",
            # What the other columns leave, and no less than this.
            ratio=1 if column.cut else None,
            width=_LEAST_WIDTH if column.cut else None,
        )
    for row in rows:
        table.add_row(*(safe(cell) for cell in row))
    output().print(table, soft_wrap=False)


def safe(text: str, style: str = "", *, lines: bool = False) -> Text:
    """Return text for rich: visible, and no markup."""
    from rich.text import Text

    return Text(visible(text, lines=lines), style)


def time_text(timestamp_ms: int | None) -> str:
    """Return a time as this machine's local time with its offset from UTC; `-` for none."""
    if timestamp_ms is None:
        return "-"
    try:
        moment = datetime.fromtimestamp(timestamp_ms // 1000, UTC).astimezone()
    except (OverflowError, OSError, ValueError):
        return f"{timestamp_ms} ms"
    return moment.replace(microsecond=timestamp_ms % 1000 * 1000).isoformat(" ", "milliseconds")


def print_records(records: Sequence[Json], *, preview: bool) -> None:
    """Print records as a table, in the order given; a line for each where a table would have no room."""
    from service.cli.terminal import output

    if output().width < _TABLE_WIDTH:
        for record in records:
            write(record_line(record, preview=preview))
        return
    times = [time_text(record["timestamp"]) for record in records]
    zones = {time[_ZONE_FROM:] for time in times}
    zone = zones.pop() if len(zones) == 1 else ""
    addressed = any(record["has_consumer_key"] is not False for record in records)
    columns = [
        Column("position", number=True, whole=True),
        Column(f"time ({zone})" if zone else "time", whole=True),
        Column("key"),
        *([Column("consumer_key")] if addressed else []),
        Column("bytes", number=True, whole=True),
        *([Column("value", cut=True)] if preview else []),
    ]
    rows = [
        [
            _place(record),
            time.removesuffix(zone),
            shown(record["key"], record["key_encoding"], characters=_KEY_CHARACTERS),
            *([_consumer_key(record)] if addressed else []),
            str(record["size"]),
            *([_preview(record)] if preview else []),
        ]
        for time, record in zip(times, records, strict=True)
    ]
    print_table(columns, rows)


def _place(record: Json) -> str:
    return f"{record['partition']}@{record['message_offset']}"


def _consumer_key(record: Json) -> str:
    """Return the consumer_key of a listed record; an empty text if it has none, `?` if its headers cannot be read."""
    if record["has_consumer_key"] is None:
        return _NOT_KNOWN
    if not record["has_consumer_key"]:
        return ""
    key, encoding = record["consumer_key"], record["consumer_key_encoding"]
    return shown(key, encoding, characters=_KEY_CHARACTERS, reserved={_NOT_KNOWN})


def _preview(record: Json) -> str:
    return previewed(record.get("preview"), lossy=record.get("preview_lossy", False))


def record_line(record: Json, *, preview: bool) -> str:
    """Return a record in one line, harmless: where, when, key, recipient, and if asked for how its value begins."""
    key = shown(record["key"], record["key_encoding"], characters=_KEY_CHARACTERS)
    line = f"{time_text(record['timestamp'])}  {_place(record)}  key {key}"
    if record["has_consumer_key"] is not False:
        line += f"  for {_consumer_key(record)}"
    if preview:
        line += f"  {_preview(record)}"
    return visible(line)


def print_record(record: Json) -> None:
    """Print one record with its headers and its value, JSON folded out."""
    from service.cli.terminal import output

    console = output()
    facts = [
        ("position", f"{record['topic']}/{record['partition']}@{record['message_offset']}"),
        ("time", f"{time_text(record['timestamp'])} ({record['timestamp_type']})"),
        ("key", shown(record["key"], record["key_encoding"])),
        ("size", f"{record['size']} bytes with key and headers"),
    ]
    for name, fact in facts:
        console.print(safe(f"{name:<10}", "bold"), safe(fact), sep="")
    headers: list[Json] = record["headers"]
    console.print(safe("headers" if headers else "headers   none", "bold"))
    for header in headers:
        console.print(safe(f"  {shown(header['name'])}: {shown(header['value'], header['encoding'])}"))
    heading, lines = value_parts(record)
    console.print(safe("value     ", "bold"), safe(heading), sep="")
    if lines:
        console.print(safe(lines, lines=True))


def value_parts(record: Json) -> tuple[str, str]:
    """Return what the value of a record asked for by position is, and its lines: none of null, empty and huge ones."""
    size: int | None = record["value_size"]
    if record["huge_message"]:
        return f"{size} bytes: too large to be shown here (the API gives it with download=true)", ""
    value: str | None = record["value"]
    if not value:
        return shown(value), ""
    if record["value_encoding"] == "base64":
        return f"{size} bytes that are not UTF-8, in hexadecimal digits", _hex_lines(base64.b64decode(value))
    if _is_structure(value):
        return f"{size} bytes of JSON", _folded_out(value)
    if visible(value, lines=True) == value:
        return f"{size} bytes of text", value
    # Or the text \x1b would look like the character.
    lines = visible(value.replace("\\", "\\\\"), lines=True)
    return f"{size} bytes of text, with what cannot be shown as \\x1b, and a backslash as \\\\", lines


def _is_structure(value: str) -> bool:
    """Whether a value is a JSON object or list: a number or a word is not made clearer by being called JSON."""
    try:
        return isinstance(parse_json(value.encode()), dict | list)
    except ValueError:
        return False


def _folded_out(value: str) -> str:
    """Return a JSON object or list folded out, or as it is where it is too deep.

    Only blanks between the tokens change: read and written again, numbers would lose digits, and repeated names all but
    their last value.
    """
    pieces: list[str] = []
    depth = 0
    before = ""
    for piece in _TOKEN.findall(value):
        depth -= piece in _CLOSING
        if before == "," or (before in _OPENING) != (piece in _CLOSING):
            pieces.append(f"\n{'  ' * depth}")
        pieces.append(": " if piece == ":" else piece)
        depth += piece in _OPENING
        if depth > _DEEPEST:
            return value
        before = piece
    return "".join(pieces)


def _hex_lines(content: bytes) -> str:
    """Return bytes in hexadecimal digits with the ASCII characters beside them, 16 a line, as far as anybody reads."""
    lines = []
    for start in range(0, min(len(content), _HEX_BYTES), 16):
        row = content[start : start + 16]
        characters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{start:06x}  {row.hex(' '):<47}  {characters}")
    if len(content) > _HEX_BYTES:
        lines.append(f"… and {len(content) - _HEX_BYTES} more bytes; --json has them all in base64")
    return "\n".join(lines)
