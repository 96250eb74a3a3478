"""Load over HTTP: by wrk where it is installed, as a client in Python takes more of the cores; else by asyncio.

usage: python -m bench.load URL CONNECTIONS SECONDS SELECTION     the asyncio client by itself; prints figures as JSON
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from bench.figures import Figures, Selection, figures_of
from bench.stage import TOKEN

_LUA = Path(__file__).with_name("resend.lua")
WRK = shutil.which("wrk")
CLIENT = "wrk" if WRK else "asyncio"
INVALID = Selection("", [(0, 0, 1)])
"""Asks for a record in a topic without a name, which is refused before anything touches the cluster."""

_WARM_UP_SECONDS = 1.0


def http(url: str, connections: int, seconds: float, selection: Selection) -> Figures:
    """Measure resends over a number of connections, each with one call in flight.

    Raises:
        RuntimeError: a call was not answered, or by another status than 200 (400 for INVALID).
    """
    measure = _wrk if WRK else _asyncio
    measure(url, connections, _WARM_UP_SECONDS, selection)
    return measure(url, connections, seconds, selection)


def _wrk(url: str, connections: int, seconds: float, selection: Selection) -> Figures:
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as ranges:
        # A table that Lua can read without a library.
        ranges.writelines(f"{partition}\t{start}\t{end}\n" for partition, start, end in selection.ranges)
        ranges.flush()
        # It takes whole seconds only.
        command = [WRK or "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "60s"]
        script = ["-s", str(_LUA), url, "--", TOKEN, selection.topic, selection.order, ranges.name]
        if selection.keyed:
            script.append(uuid.uuid4().hex)
        said = subprocess.run([*command, *script], check=True, capture_output=True, text=True).stdout
    found = [line for line in said.splitlines() if line.startswith("{")]
    if not found:
        raise RuntimeError(f"wrk said: {said}")
    result = json.loads(found[0])
    refused = result.pop("refused")
    if result.pop("broken") or refused != (result["count"] if selection is INVALID else 0) or not result["count"]:
        raise RuntimeError(f"not every call was answered as it should be: {found[0]}, {refused} refused")
    return Figures(**result)


def _asyncio(url: str, connections: int, seconds: float, selection: Selection) -> Figures:
    command = [sys.executable, "-m", "bench.load", url, str(connections), str(seconds), selection.to_json()]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return Figures.from_json(done.stdout)


async def _lane(url: str, positions: Iterator[tuple[int, int]], selection: Selection, until: float) -> list[float]:
    """Send one call after the other over a connection of its own."""
    topic = selection.topic
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = (
        f"POST {where.path}?{where.query} HTTP/1.1\r\nHost: {where.netloc}\r\nX-Auth-Token: {TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    )
    wanted = b"200" if topic else b"400"
    took = []
    while (begun := time.perf_counter()) < until:
        partition, offset = next(positions)
        body = f'{{"topic":"{topic}","partition":{partition},"message_offset":{offset},"consumer_key":"keyA"}}'
        key = f"\r\nIdempotency-Key: {uuid.uuid4()}" if selection.keyed else ""
        writer.write(f"{head}{len(body)}{key}\r\n\r\n{body}".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        content = await reader.readexactly(length)
        took.append(time.perf_counter() - begun)
        if answer[9:12] != wanted:
            raise RuntimeError(f"{answer[:12]!r}: {content!r}")
    writer.close()
    await writer.wait_closed()
    return took


async def _measure(url: str, connections: int, seconds: float, selection: Selection) -> Figures:
    positions = selection.positions()
    begun = time.perf_counter()
    until = begun + seconds
    lanes = await asyncio.gather(*(_lane(url, positions, selection, until) for _ in range(connections)))
    return figures_of([took for lane in lanes for took in lane], time.perf_counter() - begun)


if __name__ == "__main__":
    _url, _connections, _seconds, _selection = sys.argv[1:]
    _figures = uvloop.run(_measure(_url, int(_connections), float(_seconds), Selection.from_json(_selection)))
    print(_figures.to_json())
