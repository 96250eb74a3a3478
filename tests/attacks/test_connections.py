"""What anybody can send who has no token: endless heads, and connections without end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import repeat
from pathlib import Path

import pytest

from tests.support.attacked import ATTACKER, SOMEBODY_ELSE, Attacked, attacked, somebody_else
from tests.support.command_line import log_lines

HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A service as it is without any setting for its connections."""
    with attacked(tmp_path_factory.mktemp("attacked") / "serve.log") as service:
        yield service


def sent_until_refused(service: Attacked, first: bytes, pieces: Iterator[bytes]) -> bytes:
    """Send for as long as the service reads, and return what it says, if anything."""
    answer = b""
    with service.connect() as connection:
        connection.settimeout(5)
        # Reset in the middle, or silent to the end: what has come is the answer.
        with suppress(OSError):
            connection.sendall(first)
            for piece in pieces:
                connection.sendall(piece)
        with suppress(OSError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


@pytest.mark.parametrize("piece", [b"x" * 64_000, b"a: b\r\n" * 10_000], ids=["one header", "small headers"])
def test_endless_head_takes_neither_memory_nor_time(service: Attacked, piece: bytes) -> None:
    """The head of a request is bounded before anybody knows whose it is: 30 MB of it cost next to nothing."""
    resident, seconds = service.resident_bytes(), service.processor_seconds()
    with somebody_else(service) as longest:
        answer = sent_until_refused(service, HEAD + b"A: ", repeat(piece, 30_000_000 // len(piece)))
        grown = service.resident_bytes() - resident
        waited = longest()

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert grown < 25_000_000
    assert service.processor_seconds() - seconds < 2
    assert waited < 5


def logged(service: Attacked, event: str) -> list[dict[str, object]]:
    return [line for line in log_lines(service.log) if line["event"] == event]


def test_connections_of_one_address_leave_room_for_others(tmp_path: Path) -> None:
    """More silent connections than the process may have files: somebody else is answered, and the log tells of them."""
    files = 200
    with attacked(tmp_path / "serve.log", files=(files, files)) as service, ExitStack() as held:
        for _ in range(2 * files):
            connection: socket.socket = held.enter_context(service.connect(ATTACKER))
            connection.sendall(HEAD)
        with somebody_else(service) as longest:
            assert service.healthy(SOMEBODY_ELSE)
            waited = longest()
        told = logged(service, "request refused unread")

    assert waited < 5
    assert {("RESEND.00503020", ATTACKER)} == {(line["outcome"], line["address"]) for line in told}


def test_soft_limit_of_open_files_is_raised(tmp_path: Path) -> None:
    """The usual soft limit of 1,024 files, here 100, holds for programs that ask for no more."""
    with attacked(tmp_path / "serve.log", files=(100, 2000)) as service, ExitStack() as held:
        for _ in range(200):
            held.enter_context(service.connect(ATTACKER)).sendall(HEAD)

        assert service.healthy(ATTACKER)
