"""The addresses that the service makes, behind a proxy that gives it a path prefix as well."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from starlette.types import Scope

from service.api.prefix import prefix_of
from tests.contract.conftest import BODY, URL, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


def scope(*headers: tuple[str, str], root_path: str = "") -> Scope:
    return {"root_path": root_path, "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (scope(), ""),
        (scope(root_path="/kafka"), "/kafka"),
        (scope(("x-forwarded-prefix", "/kafka")), "/kafka"),
        (scope(("x-forwarded-prefix", "/a/b-c/")), "/a/b-c"),
        (scope(("x-forwarded-prefix", "/other"), root_path="/kafka"), "/kafka"),
        (scope(("x-forwarded-prefix", "/")), ""),
        (scope(("x-forwarded-prefix", "//example.org")), ""),
        (scope(("x-forwarded-prefix", "https://example.org/")), ""),
        (scope(("x-forwarded-prefix", "/a\\b")), ""),
        (scope(("x-forwarded-prefix", "/a" * 20)), ""),
        (scope(("x-forwarded-prefix", "/a"), ("x-forwarded-prefix", "/b")), ""),
    ],
)
async def test_prefix_is_that_of_the_setting_or_else_of_the_proxy(given: Scope, expected: str) -> None:
    """A prefix is a plain path: nothing in it can lead to another host."""
    assert expected == prefix_of(given)


async def test_root_leads_to_the_console(client: httpx.AsyncClient) -> None:
    """Whoever types only the host finds the page, below a prefix that is not known as well."""
    plain = await client.get("/")
    behind = await client.get("/", headers={"X-Forwarded-Prefix": "/kafka"})

    assert (307, "console") == (plain.status_code, plain.headers["Location"])
    assert (307, "/kafka/console") == (behind.status_code, behind.headers["Location"])


async def test_service_below_a_prefix_answers_with_it_and_without(tmp_path: Path, closed_port: int) -> None:
    """Whether or not the proxy takes the prefix away, the same is served, and addresses made here have it."""
    tables: dict[str, dict[str, object]] = {
        "http": {"root_path": "/kafka"},
        "auth": {"allow_anonymous": True},
        "instances.away": {"bootstrap_servers": [f"127.0.0.1:{closed_port}"]},
    }
    async with serving(tmp_path, tables) as client:
        for prefix in ("", "/kafka"):
            resend = await client.post(prefix + URL, json=BODY, headers={"X-Auth-Token": "any"})
            console = await client.get(f"{prefix}/console")
            root = await client.get(f"{prefix}/")
            other = await client.get(f"{prefix}x/console")

            assert (503, "RESEND.00503001") == (resend.status_code, resend.json()["error_code"])
            assert (200, 307) == (console.status_code, root.status_code)
            assert "/kafka/console" == root.headers["Location"]
            assert 404 == other.status_code


async def test_openapi_document_names_the_service_beside_itself(client: httpx.AsyncClient) -> None:
    """What is tried out in /docs goes to where the page came from, whatever is before its path."""
    document = json.loads((await client.get("/openapi.json")).text)

    assert [{"url": "."}] == document["servers"]


@pytest.mark.parametrize(
    ("auth", "access"),
    [({"allow_anonymous": True}, "anonymous"), ({"token_digest": "ab" * 32}, "token")],
    ids=["anonymous", "token"],
)
async def test_console_page_says_whether_it_takes_a_token(
    tmp_path: Path, closed_port: int, auth: dict[str, object], access: str
) -> None:
    """The page need not try with a wrong token, which would be a refusal in the log at every visit."""
    tables: dict[str, dict[str, object]] = {
        "auth": auth,
        "instances.away": {"bootstrap_servers": [f"127.0.0.1:{closed_port}"]},
    }
    async with serving(tmp_path, tables) as client:
        page = (await client.get("/console")).text

    assert f'<html lang="en" data-access="{access}">' in page
