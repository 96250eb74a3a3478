"""What one measurement yields, and which records it resends."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement.

    Attributes:
        p50_ms: median of the times that single calls took; None where many records are one call, as are the next two.
        p99_ms: 99 of 100 calls took at most this.
        max_ms: the slowest call; None where it is not told.
        rate_per_second: calls answered, or records resent, a second.
        count: calls answered, or records resent.
    """

    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    rate_per_second: float
    count: int

    def to_json(self) -> str:
        """Return them as the one line that a measuring process prints."""
        return json.dumps(asdict(self))

    @classmethod
    def of_many(cls, records: int, elapsed_seconds: float) -> Figures:
        """Return the figures of a number of records that were resent by one call."""
        return cls(None, None, None, round(records / elapsed_seconds, 1), records)

    @classmethod
    def from_json(cls, text: str) -> Figures:
        """Return what to_json wrote; max_ms may be missing."""
        return cls(**{"max_ms": None, **json.loads(text)})


def figures_of(took_seconds: list[float], elapsed_seconds: float) -> Figures:
    """Return the figures of calls that took so long each, and so long together."""
    if not took_seconds:
        raise RuntimeError("not a single call was answered")
    took = sorted(took_seconds)
    return Figures(
        round(took[len(took) // 2] * 1e3, 3),
        round(took[int(len(took) * 0.99)] * 1e3, 3),
        round(took[-1] * 1e3, 3),
        round(len(took) / elapsed_seconds, 1),
        len(took),
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are resent.

    Attributes:
        topic: where they stand.
        ranges: per partition, the first offset and the one after the last.
        order: `random`, or `consecutive`: from the first one on, one partition after the other.
        keyed: each call has an Idempotency-Key of its own.
    """

    topic: str
    ranges: Sequence[tuple[int, int, int]]
    order: Literal["random", "consecutive"] = "random"
    keyed: bool = False

    def positions(self) -> Iterator[tuple[int, int]]:
        """Yield partitions and offsets without end, the same ones every time."""
        choose = random.Random(1)
        while self.order == "random":
            partition, start, end = choose.choice(self.ranges)
            yield partition, choose.randrange(start, end)
        while True:
            for partition, start, end in self.ranges:
                for offset in range(start, end):
                    yield partition, offset

    def to_json(self) -> str:
        """Return it as an argument for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Selection:
        """Return what to_json wrote."""
        return cls(**json.loads(text))
