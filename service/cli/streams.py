"""Standard output and standard error of the commands, also when their reader is gone.

`kafka-resend messages orders --all | head -1` closes the pipe while there is more to print. That is no error: the
command stops, silently, with exit code 0. A command whose exit code is a finding (`check`, `job watch`) drops what else
it would print and keeps its exit code.

    SystemExit
    ├── OutputClosed      nothing reads standard output any more                            exit code 0
    └── OutputFailed      standard output cannot be written, such as to a full disk         exit code 5
"""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

OUTPUT_FAILED = 5


class OutputClosed(SystemExit):
    """Nothing reads standard output any more; from now on what is written there is dropped.

    No OSError: click and rich would take that for a failure of their own, and exit with 1.
    """

    def __init__(self) -> None:
        super().__init__(0)


class OutputFailed(SystemExit):
    """Standard output cannot be written."""

    def __init__(self) -> None:
        super().__init__(OUTPUT_FAILED)


class _Output(io.TextIOWrapper):
    """Standard output.

    Raises, from `write` and `flush`:
        OutputClosed: its reader is gone.
        OutputFailed: it cannot be written for another reason.
    """

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise self._given_up(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._given_up(error) from None

    def _given_up(self, error: OSError) -> SystemExit:
        # What is buffered would fail once more, when the interpreter ends.
        _drop(self)
        if error.errno == errno.EPIPE:
            return OutputClosed()
        sys.stderr.write(f"kafka-resend: the output cannot be written: {error.strerror}\n")
        return OutputFailed()


class _Words(io.TextIOWrapper):
    """Standard error: words that nobody can read any more are dropped, and change no exit code."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            _drop(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            _drop(self)


def _drop(stream: io.TextIOWrapper) -> None:
    """Have a stream lead nowhere from now on, with what it has buffered."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def install_streams() -> None:
    """Replace standard output and standard error of this process by the ones above."""
    # A process may be started without them (`>&-`).
    sys.stdout = _stream(_Output, sys.stdout)
    sys.stderr = _stream(_Words, sys.stderr)


def _stream(kind: type[io.TextIOWrapper], stream: TextIO | None) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream or Path(os.devnull).open("w", encoding="utf-8")
    encoding, errors = stream.encoding, stream.errors
    # With PYTHONUNBUFFERED, which containers set, lines are not buffered but written through.
    buffered_lines, through = stream.line_buffering, stream.write_through
    return kind(stream.detach(), encoding=encoding, errors=errors, line_buffering=buffered_lines, write_through=through)
