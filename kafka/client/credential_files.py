"""The files that a cluster's properties name, such as certificates: clients read them once, when they are made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kafka.client.config import ClusterConfig

_SUFFIXES = (".location", ".file", ".keytab")

_Facts = tuple[tuple[str, int, int, int], ...]
"""Of each file: its path, when it was written, its size, and its number in the file system."""


class CredentialFiles:
    """Tells when files have changed since clients were made from them (librdkafka issues 2868, 3157).

    Args:
        config: the cluster.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._paths = [Path(value) for name, value in config.properties.items() if name.endswith(_SUFFIXES)]
        self._used = self._found = self._facts()

    def changed(self) -> bool:
        """Whether clients that are made now would read something else; looks at the files, and does not read them."""
        if self._paths:
            self._found = self._facts()
        return self._found != self._used

    def use(self) -> None:
        """Take note that clients are made from what `changed` has seen; a later change is one more."""
        self._used = self._found

    def _facts(self) -> _Facts:
        return tuple(facts for path in self._paths for facts in _of(path))


def _of(path: Path) -> Iterator[tuple[str, int, int, int]]:
    """Yield the facts of a file, or of all files in a folder; of none that cannot be looked at."""
    try:
        # Of what a link leads to: Kubernetes changes the link.
        facts = path.stat()
        yield str(path), facts.st_mtime_ns, facts.st_size, facts.st_ino
        if path.is_dir():
            for inner in sorted(path.iterdir()):
                facts = inner.stat()
                yield str(inner), facts.st_mtime_ns, facts.st_size, facts.st_ino
    except OSError:
        return
