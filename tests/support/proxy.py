"""A proxy before a broker that loses, delays or changes answers, as a network or a hanging follower does."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PRODUCE = 0
_METADATA = 3
_FLEXIBLE_METADATA = 9


class Proxy:
    """Passes Kafka's protocol on, frame by frame.

    Args:
        broker: host:port of the broker.

    Attributes:
        hold: answers to Produce requests that come while this is true are never passed on.
        held: how many there were.
        without_brokers: metadata names no broker while this is true, as that of one that has just started.
        delay_seconds: how much later than the broker gave it each answer is passed on.
    """

    def __init__(self, broker: str) -> None:
        host, _, port = broker.rpartition(":")
        self._broker = host, int(port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.hold = False
        self.held = 0
        self.without_brokers = False
        self.delay_seconds = 0.0

    def drop_connections(self) -> None:
        """Close all connections of clients at once."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection(*self._broker)
        self._writers.add(writer)
        lost: set[int] = set()
        metadata: set[int] = set()
        await asyncio.gather(
            self._pass(reader, broker_writer, lost, metadata, requests=True),
            self._pass(broker_reader, writer, lost, metadata, requests=False),
        )

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        lost: set[int],
        metadata: set[int],
        *,
        requests: bool,
    ) -> None:
        try:
            while True:
                size = await reader.readexactly(4)
                frame = await reader.readexactly(struct.unpack(">i", size)[0])
                if requests:
                    key, version, correlation = struct.unpack(">hhi", frame[:8])
                    if key == _METADATA:
                        assert version >= _FLEXIBLE_METADATA
                        metadata.add(correlation)
                    if key == _PRODUCE and self.hold:
                        lost.add(correlation)
                        self.held += 1
                else:
                    await asyncio.sleep(self.delay_seconds)
                    correlation = struct.unpack(">i", frame[:4])[0]
                    if correlation in lost:
                        continue
                    if correlation in metadata:
                        metadata.remove(correlation)
                        frame = _without_brokers(frame) if self.without_brokers else frame
                writer.write(struct.pack(">i", len(frame)) + frame)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


def _without_brokers(answer: bytes) -> bytes:
    """Return an answer to a metadata request with an empty list of brokers; source: Kafka's MetadataResponse.json."""
    # Correlation id, no tagged fields, throttle time.
    start = 4 + 1 + 4
    count, at = _varint(answer, start)
    for _ in range(count - 1):
        length, at = _varint(answer, at + 4)
        length, at = _varint(answer, at + length - 1 + 4)
        tags, at = _varint(answer, at + max(0, length - 1))
        assert tags == 0
    return answer[:start] + b"\x01" + answer[at:]


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Return an unsigned varint, and where what follows it begins."""
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


@asynccontextmanager
async def proxied(broker: str, port: int) -> AsyncIterator[Proxy]:
    """Run a proxy before a broker.

    Args:
        broker: host:port of the broker, which advertises the proxy's address.
        port: where the proxy listens, on loopback.
    """
    proxy = Proxy(broker)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    try:
        yield proxy
    finally:
        server.close()
        proxy.drop_connections()
