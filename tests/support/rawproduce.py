"""Writes what no client library writes: a Produce request put together by hand.

Source: the record batch format v2 and the Produce API version 3 in Kafka's protocol documentation.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence

_PRODUCE = 0
_VERSION = 3


def produce_raw(
    bootstrap: str,
    topic: str,
    partition: int,
    value: bytes | None,
    *,
    headers: Sequence[tuple[bytes, bytes | None]] = (),
    timestamp_ms: int | None = None,
) -> int:
    """Write one record to the broker at this address, which must lead the partition; return its offset.

    Args:
        bootstrap: host:port.
        topic: where to.
        partition: where to.
        value: of the record.
        headers: names are written as they are, UTF-8 or not.
        timestamp_ms: as it is, 0 and -1 included; None is the present.
    """
    batch = _batch(value, headers, time.time_ns() // 1_000_000 if timestamp_ms is None else timestamp_ms)
    body = (
        struct.pack(">hhi", -1, -1, 10_000)  # no transactional id, acks=all, time-out
        + struct.pack(">i", 1)
        + _string(topic)
        + struct.pack(">iii", 1, partition, len(batch))
        + batch
    )
    request = struct.pack(">hhi", _PRODUCE, _VERSION, 1) + _string("raw") + body
    host, _, port = bootstrap.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _receive(connection, 4))
        answer = _receive(connection, size)
    # Correlation id, one topic, its name, one partition, its number; then what counts.
    place = 4 + 4 + 2 + len(topic.encode()) + 4 + 4
    error, offset = struct.unpack_from(">hq", answer, place)
    assert error == 0, f"the broker refused the record with error {error}"
    return int(offset)


def _batch(value: bytes | None, headers: Sequence[tuple[bytes, bytes | None]], timestamp_ms: int) -> bytes:
    record = b"\0" + _varint(0) + _varint(0) + _bytes(None) + _bytes(value) + _varint(len(headers))
    for name, content in headers:
        record += _bytes(name) + _bytes(content)
    record = _varint(len(record)) + record
    # Attributes, last offset delta, first and last timestamp, producer id, epoch and sequence, number of records.
    checked = struct.pack(">hiqqqhii", 0, 0, timestamp_ms, timestamp_ms, -1, -1, -1, 1) + record
    rest = struct.pack(">ibI", -1, 2, _crc32c(checked)) + checked
    return struct.pack(">qi", 0, len(rest)) + rest


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text.encode())) + text.encode()


def _bytes(content: bytes | None) -> bytes:
    return _varint(-1) if content is None else _varint(len(content)) + content


def _varint(number: int) -> bytes:
    zigzag = (number << 1) ^ (number >> 63)
    encoded = bytearray()
    while zigzag > 0x7F:
        encoded.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    encoded.append(zigzag)
    return bytes(encoded)


def _crc32c(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        assert chunk, "the broker closed the connection"
        received += chunk
    return received
