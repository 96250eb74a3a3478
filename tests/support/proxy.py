"""A proxy before a broker that loses answers, as a network or a hanging follower does."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PRODUCE = 0


class Proxy:
    """Passes Kafka's protocol on, frame by frame.

    Args:
        broker: host:port of the broker.

    Attributes:
        hold: answers to Produce requests that come while this is true are never passed on.
        held: how many there were.
    """

    def __init__(self, broker: str) -> None:
        host, _, port = broker.rpartition(":")
        self._broker = host, int(port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.hold = False
        self.held = 0

    def drop_connections(self) -> None:
        """Close all connections of clients at once."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection(*self._broker)
        self._writers.add(writer)
        lost: set[int] = set()
        await asyncio.gather(
            self._pass(reader, broker_writer, lost, requests=True),
            self._pass(broker_reader, writer, lost, requests=False),
        )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: set[int], *, requests: bool
    ) -> None:
        try:
            while True:
                size = await reader.readexactly(4)
                frame = await reader.readexactly(struct.unpack(">i", size)[0])
                if requests:
                    key, _, correlation = struct.unpack(">hhi", frame[:8])
                    if key == _PRODUCE and self.hold:
                        lost.add(correlation)
                        self.held += 1
                elif struct.unpack(">i", frame[:4])[0] in lost:
                    continue
                writer.write(size + frame)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


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
