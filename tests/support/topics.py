"""Topics of a test's own."""

from __future__ import annotations

import re
import uuid

from tests.support.plain import PlainClient


class MakeTopic:
    """Creates topics, each for one test, and deletes them afterwards.

    Args:
        plain: a client of the broker.
        test: the test's name, which the topics' names begin with.
    """

    def __init__(self, plain: PlainClient, test: str) -> None:
        self._plain = plain
        self._test = re.sub(r"[^a-zA-Z0-9._-]", "-", test)[:100]
        self._made: set[str] = set()

    def __call__(self, partitions: int = 1, config: dict[str, str] | None = None, name: str | None = None) -> str:
        """Create a topic and return its name, once all its partitions have a leader."""
        name = name or self.unused_name()
        self._plain.create_topic(name, partitions, config)
        self._made.add(name)
        return name

    def unused_name(self) -> str:
        """Return a name that no topic has."""
        return f"{self._test}-{uuid.uuid4().hex[:8]}"

    def delete(self) -> None:
        """Delete all of them that are still there."""
        for name in self._made & self._plain.topics():
            self._plain.delete_topic(name)
