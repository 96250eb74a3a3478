"""Shares out the memory of a worker for what its jobs read ahead: a job without a share has no Consumer, and waits.

One caller, and one partition of the store, get at most half of it, so that neither keeps all others waiting.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from threading import Lock

from kafka.jobs.plan import Plan

FAST_MB = 20
SLOW_MB = 4
"""What the Consumer of a job takes: measured 13 to 18 MB, and 2 to 4.4 MB with small fetches, see source_properties."""

_SLOW_RATE = 1000.0
_TIME_SLICE_SECONDS = 10.0
"""How long a job keeps its share while others wait for one."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a job needs in order to read.

    Attributes:
        job_id: which job.
        caller: project and name of the caller who made it.
        partition: cluster and partition of the store.
        size_mb: SLOW_MB or FAST_MB, or more; no job gets more than half of what there is.
    """

    job_id: str
    caller: tuple[str, str]
    partition: tuple[str, int]
    size_mb: int

    @property
    def groups(self) -> tuple[object, object]:
        """Those that each get at most half."""
        return ("caller", self.caller), ("partition", self.partition)


def is_slow(plan: Plan) -> bool:
    """Whether a job reads so few records a second that small fetches serve it."""
    return plan.records_per_second is not None and plan.records_per_second <= _SLOW_RATE and not plan.dry_run


class ReadAhead:
    """The shares that jobs have, and the line of those that wait for one. Any thread may use it.

    Args:
        size_mb: all shares together.
    """

    def __init__(self, size_mb: int) -> None:
        self._size_mb = max(size_mb, FAST_MB)
        self._half_mb = max(size_mb // 2, FAST_MB)
        self._lock = Lock()
        self._held: dict[str, tuple[Share, float]] = {}
        self._held_mb = 0
        self._held_of: Counter[object] = Counter()
        # By the order in which they came; and how many of them each group has.
        self._line: dict[str, Share] = {}
        self._line_of: Counter[object] = Counter()

    def take(self, share: Share) -> bool:
        """Whether the job has its share now; if not, it is in the line from then on, and is to ask again."""
        with self._lock:
            if share.job_id not in self._held and share.job_id not in self._line:
                share = replace(share, size_mb=min(share.size_mb, self._half_mb))
                self._line[share.job_id] = share
                self._line_of.update(share.groups)
                self._serve()
            return share.job_id in self._held

    def give_back(self, job_id: str) -> None:
        """Take a job out, whether it has a share or is in the line."""
        with self._lock:
            share = self._line.pop(job_id, None)
            if share is not None:
                self._line_of.subtract(share.groups)
            held = self._held.pop(job_id, None)
            if held is not None:
                self._held_mb -= held[0].size_mb
                self._held_of.subtract(dict.fromkeys(held[0].groups, held[0].size_mb))
                self._serve()

    def is_wanted(self, job_id: str) -> bool:
        """Whether a job has had its share for long enough, and others wait for what it would give back."""
        with self._lock:
            share, since = self._held.get(job_id, (None, 0.0))
            if share is None or not self._line or time.monotonic() - since < _TIME_SLICE_SECONDS:
                return False
            return self._held_mb + FAST_MB > self._size_mb or any(
                self._line_of[group] and self._held_of[group] + FAST_MB > self._half_mb for group in share.groups
            )

    def waits_for(self, job_id: str) -> int | None:
        """Return how many jobs are before this one in the line; None if it is not in it."""
        with self._lock:
            return list(self._line).index(job_id) if job_id in self._line else None

    def _serve(self) -> None:
        """Give shares to those in the line, the first ones first, as far as they fit."""
        for job_id, share in list(self._line.items()):
            if self._held_mb + SLOW_MB > self._size_mb:
                return
            if self._held_mb + share.size_mb > self._size_mb or any(
                self._held_of[group] + share.size_mb > self._half_mb for group in share.groups
            ):
                continue
            del self._line[job_id]
            self._line_of.subtract(share.groups)
            self._held[job_id] = share, time.monotonic()
            self._held_mb += share.size_mb
            self._held_of.update(dict.fromkeys(share.groups, share.size_mb))
