"""An application whose instance has no broker: what is refused there was refused before anything could reach one."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from service.app import create_app
from service.settings.model import load_settings

TOKEN = "token-of-everyone"
TOKEN_OF_ORDERS = "token-of-orders"
URL = "/v2/project-1/mqs/instances/away/messages/action?action_id=resend"
BODY = {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"}


def toml(tables: dict[str, dict[str, object]]) -> str:
    """Return tables of plain values as TOML; the JSON of these values is the same."""
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    )


def callers(*entries: dict[str, object]) -> str:
    """Return a callers file; each entry's token is written as its digest."""
    text = ""
    for entry in entries:
        digest = hashlib.sha256(str(entry["token"]).encode()).hexdigest()
        fields = {key: value for key, value in entry.items() if key != "token"} | {"token_sha256": digest}
        text += "[[callers]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items())
    return text


@asynccontextmanager
async def serving(folder: Path, tables: dict[str, dict[str, object]]) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application with these settings, and yield a client of it.

    Args:
        folder: where to write the settings.
        tables: the TOML file that RESEND_CONFIG names, by table.
    """
    settings_file = folder / "resend.toml"
    settings_file.write_text(toml(tables), "utf-8")
    app = create_app(load_settings({"RESEND_CONFIG": str(settings_file)}))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client


@pytest.fixture(scope="session")
def closed_port() -> Iterator[int]:
    """A loopback port that refuses connections, and that nobody else can take meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(tmp_path_factory: pytest.TempPathFactory, closed_port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client, without a token, of an application with a few callers; none of its instances has a broker."""
    folder = tmp_path_factory.mktemp("away")
    everything: dict[str, object] = {"projects": ["*"], "instances": ["*"], "topics": ["*"], "actions": ["*"]}
    orders: dict[str, object] = {
        "projects": ["project-1"],
        "instances": ["away"],
        "topics": ["orders.*"],
        "actions": ["resend"],
    }
    reader = everything | {"actions": ["read"]}
    callers_file = folder / "callers.toml"
    callers_file.write_text(
        callers(
            {"name": "everyone", "token": TOKEN, **everything},
            {"name": "orders", "token": TOKEN_OF_ORDERS, **orders},
            {"name": "reader", "token": "token-of-reader", **reader},
            {"name": "expired", "token": "token-expired", "expires": "2020-01-01T00:00:00Z", **everything},
        ),
        "utf-8",
    )
    away = [f"127.0.0.1:{closed_port}"]
    tables: dict[str, dict[str, object]] = {
        # Many of these tests send wrong ones.
        "auth": {"callers_file": str(callers_file), "max_wrong_tokens": 1_000_000},
        "instances.away": {"bootstrap_servers": away},
        "instances.owned": {"bootstrap_servers": away, "projects": ["project-2"]},
        "instances.read-only": {"bootstrap_servers": away},
        "instances.read-only.policy": {"read_only": True},
    }
    async with serving(folder, tables) as client:
        yield client
