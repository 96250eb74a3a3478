"""Writes what no client library writes: a Produce request put together by hand.

Source: the record batch format v2 and the Produce API version 3 in Kafka's protocol documentation.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence

_NOT_LEADER = 6
_LEADER_SECONDS = 10.0
_PRODUCE = 0
_VERSION = 3
_ALTER_CLIENT_QUOTAS = 49


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
        struct.pack(">hhi", -1, -1, 10_000)  # no transactional id, acks=all, timeout
        + struct.pack(">i", 1)
        + _string(topic)
        + struct.pack(">iii", 1, partition, len(batch))
        + batch
    )
    # Correlation id, one topic, its name, one partition, its number; then what counts.
    place = 4 + 4 + 2 + len(topic.encode()) + 4 + 4
    deadline = time.monotonic() + _LEADER_SECONDS
    while True:
        error, offset = struct.unpack_from(">hq", _ask(bootstrap, _PRODUCE, _VERSION, body), place)
        # The leader of a new partition may not know yet that it is.
        if error != _NOT_LEADER or time.monotonic() >= deadline:
            break
    assert error == 0, f"the broker refused the record with error {error}"
    return int(offset)


def set_producer_quota(bootstrap: str, bytes_per_second: float) -> None:
    """Let a broker take so much from each client, which the client library has no request for.

    Source: AlterClientQuotas version 0 in Kafka's protocol documentation, for the default client id.
    """
    entity = struct.pack(">i", 1) + _string("client-id") + struct.pack(">h", -1)
    # Neither to be removed nor only to be checked: two zeros.
    operation = struct.pack(">i", 1) + _string("producer_byte_rate") + struct.pack(">db", bytes_per_second, 0)
    entry = struct.pack(">i", 1) + entity + operation
    answer = _ask(bootstrap, _ALTER_CLIENT_QUOTAS, 0, entry + struct.pack(">b", 0))
    # Correlation id, throttle time, one entry; then what counts.
    (error,) = struct.unpack_from(">h", answer, 12)
    assert error == 0, f"the broker refused the quota with error {error}"


def _ask(bootstrap: str, key: int, version: int, body: bytes) -> bytes:
    """Send one request to the broker at this address, and return its answer from the correlation id on."""
    request = struct.pack(">hhi", key, version, 1) + _string("raw") + body
    host, _, port = bootstrap.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _receive(connection, 4))
        return _receive(connection, size)


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
