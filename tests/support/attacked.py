"""A service in a process of its own that is attacked, and somebody else who asks for its health meanwhile."""

from __future__ import annotations

import hashlib
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from tests.support.brokers import free_port
from tests.support.command_line import REPOSITORY, clean_environment

TOKEN = "token-of-the-attacked"
ATTACKER, SOMEBODY_ELSE = "127.0.0.1", "127.0.0.2"

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Attacked:
    """The service.

    Attributes:
        pid: of its process.
        port: on all addresses of loopback.
        log: what it has logged.
    """

    pid: int
    port: int
    log: Path

    def connect(self, source: str = ATTACKER) -> socket.socket:
        """Open a connection from an address."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(source, 0))

    def ask(self, request: bytes, source: str = ATTACKER) -> bytes:
        """Send a request on a connection of its own, and return all that comes back until the service closes it."""
        answer = b""
        with self.connect(source) as connection:
            connection.sendall(request)
            while piece := connection.recv(65536):
                answer += piece
        return answer

    def healthy(self, source: str = SOMEBODY_ELSE) -> bool:
        """Whether somebody gets an answer."""
        try:
            answer = self.ask(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", source)
        except OSError:
            return False
        return answer.startswith(b"HTTP/1.1 200")

    def resident_bytes(self) -> int:
        """How much memory the process has."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    def processor_seconds(self) -> float:
        """How much processor time the process has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def attacked(
    log: Path, environ: Mapping[str, str] | None = None, files: tuple[int, int] | None = None
) -> Iterator[Attacked]:
    """Run a service without a broker until the end.

    Args:
        log: where to write what it says.
        environ: more settings.
        files: soft and hard limit of the files that it may open.
    """
    port = free_port()
    settings = {
        # Nobody listens there: what is attacked comes before any broker.
        "RESEND_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "RESEND_AUTH__TOKEN_DIGEST": hashlib.sha256(TOKEN.encode()).hexdigest(),
        "RESEND_HTTP__HOST": "0.0.0.0",  # noqa: S104 - all of loopback
        "RESEND_HTTP__PORT": str(port),
        "RESEND_JOBS__WORKER": "false",
    }

    def limit() -> None:
        if files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, files)

    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"],
            cwd=REPOSITORY,
            env=clean_environment() | settings | dict(environ or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=limit,  # noqa: PLW1509 - no other thread runs here
        )
    service = Attacked(process.pid, port, log)
    try:
        deadline = time.monotonic() + 60
        while not service.healthy():
            assert time.monotonic() < deadline, log.read_text()
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield service
    finally:
        process.kill()
        process.wait(timeout=60)


@contextmanager
def somebody_else(service: Attacked) -> Iterator[Callable[[], float]]:
    """Have somebody else ask for the service's health all the time; yield what returns the longest wait in seconds."""
    ended = Event()
    waits = [0.0]

    def ask() -> None:
        while not ended.wait(0.05):
            begun = time.monotonic()
            waits.append(time.monotonic() - begun if service.healthy() else float("inf"))

    asking = Thread(target=ask)
    asking.start()

    def longest() -> float:
        ended.set()
        asking.join()
        return max(waits)

    try:
        yield longest
    finally:
        longest()
