"""The callers file, read again when it changes: a revocation takes effect without a restart."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import structlog

from service.auth.callers import CallerEntry, CallersFileRefused, by_digest, read_callers

_SETTLED_NS = 2_000_000_000
"""A file changed less than this ago may change again unseen: file systems keep modification times coarsely."""

_COMPLAIN_SECONDS = 60.0
_NAMED = 20

_STALE = "the callers file cannot be read: the grants read before stay in effect"

_Signature = tuple[int, int, int]

_log = structlog.get_logger("service")


class WatchedCallers:
    """The entries of a callers file, at most a moment old.

    Another file at that path is noticed by modification time, size and inode. One that is broken or gone revokes nobody
    and admits nobody new: the entries read last stay, their expiry included, and the log says so until it is fixed. A
    file without entries revokes everybody.

    Args:
        path: the file.
        check_seconds: how often the file is looked at, at most, and only when a request comes.

    Raises:
        CallersFileRefused: the file is broken, or names nobody.
    """

    def __init__(self, path: Path, check_seconds: float = 1.0) -> None:
        self._path = path
        self._check_seconds = check_seconds
        self._signature = self._look()
        entries = read_callers(path)
        if not entries:
            raise CallersFileRefused(f"{path}: names no callers")
        self._entries = by_digest(entries)
        self._check_at = time.monotonic() + check_seconds
        self._broken = False
        self._complain_at = 0.0

    def current(self) -> Mapping[bytes, CallerEntry]:
        """Return the entries by the digests of their tokens."""
        now = time.monotonic()
        if now >= self._check_at:
            self._check_at = now + self._check_seconds
            self._check(now)
        return self._entries

    def problem(self) -> str | None:
        """Return why the entries may be out of date, in words for strangers; None while they are not.

        Looks at the file as often as `current` does.
        """
        self.current()
        return _STALE if self._broken else None

    def _look(self) -> _Signature | None:
        """Return what tells this state of the file from another, or None when that cannot be told."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - Path.stat costs twice as much, and requests wait for it
        except OSError:
            return None
        settled = abs(time.time_ns() - found.st_mtime_ns) > _SETTLED_NS
        return (found.st_mtime_ns, found.st_size, found.st_ino) if settled else None

    def _check(self, now: float) -> None:
        # Looked at before it is read: a change in between is found by the next look.
        signature = self._look()
        if signature is not None and signature == self._signature and not self._broken:
            return
        self._signature = signature
        try:
            entries = by_digest(read_callers(self._path))
        except CallersFileRefused as error:
            if not self._broken or now >= self._complain_at:
                self._complain_at = now + _COMPLAIN_SECONDS
                _log.error("callers file broken: the callers read before stay", reason=str(error))
            self._broken = True
            return
        if self._broken or entries != self._entries:
            names = sorted({entry.caller.name for entry in entries.values()})
            tell = _log.info if names else _log.warning
            tell("callers file read again", callers=len(names), names=names[:_NAMED])
        self._broken = False
        self._entries = entries
