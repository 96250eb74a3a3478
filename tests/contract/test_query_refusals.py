"""What those who look are refused before anything could reach a broker, and what a caller is told of themselves."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from kafka.redrive.known import NO_OWN
from tests.contract.conftest import TOKEN, TOKEN_OF_ORDERS, callers, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

BASE = "/v2/project-1/mqs/instances/away"
CALLS = (
    "topics",
    "messages?topic=orders.eu",
    "messages?topic=orders.eu&partition=0&message_offset=1",
    "messages/histogram?topic=orders.eu&start_time=1&end_time=2",
)


def code(response: httpx.Response) -> int:
    """Return status and number of an error as one."""
    return int(response.json()["error_code"].removeprefix("RESEND.00"))


@pytest.mark.parametrize("call", CALLS)
async def test_looking_takes_a_token_with_the_right_to_read(client: httpx.AsyncClient, call: str) -> None:
    """No token, a wrong one, one that may only resend, another project: one wording for all."""
    answers = [
        await client.get(f"{BASE}/{call}"),
        await client.get(f"{BASE}/{call}", headers={"X-Auth-Token": "wrong"}),
        await client.get(f"{BASE}/{call}", headers={"X-Auth-Token": TOKEN_OF_ORDERS}),
        await client.get(f"{BASE}/{call}".replace("/away/", "/owned/"), headers={"X-Auth-Token": TOKEN}),
        await client.get(f"{BASE}/{call}".replace("/away/", "/nowhere/"), headers={"X-Auth-Token": TOKEN}),
    ]

    assert [403001] * 5 == [code(answer) for answer in answers]
    assert 1 == len({answer.text for answer in answers})


@pytest.mark.parametrize("call", CALLS)
async def test_looking_at_a_cluster_that_is_away_is_a_503(client: httpx.AsyncClient, call: str) -> None:
    """It is told at once, with when to try again."""
    answer = await client.get(f"{BASE}/{call}", headers={"X-Auth-Token": "token-of-reader"})

    assert (503001, "1") == (code(answer), answer.headers["Retry-After"])


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("messages?topic=a&key=%ff", 31),
        ("messages?topic=a&offsett=1", 32),
        ("messages?topic=a&topic=b", 33),
        ("messages", 34),
        ("messages/histogram?topic=a", 34),
        ("messages?topic=a&limit=many", 35),
        ("messages/histogram?topic=a&start_time=1&end_time=2&buckets=101", 35),
        ("topics?limit=1001", 35),
        ("messages?topic=a&asc=yes", 36),
        ("topics?access_policy=none", 36),
        ("messages?topic=a&message_id=x", 37),
        ("messages?topic=a&tag=x", 38),
        ("messages?topic=a&start_time=5&end_time=5", 39),
        ("messages/histogram?topic=a&start_time=5", 39),
        ("messages?topic=a&download=true", 40),
        ("messages?topic=a&cursor=AAAA", 41),
        ("messages?topic=a%20b", 13),
        ("topics?topic=a", 32),
    ],
)
async def test_parameter_that_is_wrong_is_a_400_of_its_own(client: httpx.AsyncClient, call: str, number: int) -> None:
    """The first thing wrong is told, before the cluster is asked for anything."""
    answer = await client.get(f"{BASE}/{call}", headers={"X-Auth-Token": TOKEN})

    assert 400000 + number == code(answer)


async def test_messages_of_a_topic_that_was_not_granted_are_forbidden(tmp_path: Path, closed_port: int) -> None:
    """The topic is compared with the grants before the cluster is asked for it."""
    file = tmp_path / "callers.toml"
    grants: dict[str, object] = {"projects": ["*"], "instances": ["*"], "topics": ["orders.*"], "actions": ["read"]}
    file.write_text(callers({"name": "reader", "token": "t", **grants}), "utf-8")
    tables: dict[str, dict[str, object]] = {
        "auth": {"callers_file": str(file)},
        "instances.away": {"bootstrap_servers": [f"127.0.0.1:{closed_port}"]},
    }
    async with serving(tmp_path, tables) as client:
        client.headers["X-Auth-Token"] = "t"
        answers = [
            await client.get(f"{BASE}/messages?topic={topic}")
            for topic in ("orders.eu", "orders", "__consumer_offsets")
        ]

    assert [503001, 403001, 403001] == [code(answer) for answer in answers]


async def test_caller_is_told_their_name_their_project_and_what_they_may_do(client: httpx.AsyncClient) -> None:
    """The project is one that works; instances that belong to others are left out."""
    told = {
        token: (await client.get("/v2/caller", headers={"X-Auth-Token": token})).json()
        for token in (TOKEN, TOKEN_OF_ORDERS, "token-of-reader")
    }
    other = await client.get("/v2/caller?project=project-3", headers={"X-Auth-Token": TOKEN})

    assert ["everyone", "orders", "reader"] == [body["name"] for body in told.values()]
    # The grants of two are patterns: the one instance that has an owner by name decides.
    assert ["project-2", "project-1", "project-2"] == [body["project"] for body in told.values()]
    assert [
        {
            "instance_id": "away",
            "state": "away",
            "reason": "no broker answers",
            "embedded": False,
            "read_only": False,
            "dialects": list(NO_OWN.names),
            "actions": ["resend"],
        }
    ] == told[TOKEN_OF_ORDERS]["instances"]
    assert {"away": False, "owned": False, "read-only": True} == {
        instance["instance_id"]: instance["read_only"] for instance in told[TOKEN]["instances"]
    }
    assert ["away", "read-only"] == sorted(instance["instance_id"] for instance in other.json()["instances"])


async def test_caller_without_a_token_that_is_known_is_forbidden(client: httpx.AsyncClient) -> None:
    """Nobody unknown is told anything."""
    answers = [await client.get("/v2/caller", headers=headers) for headers in ({}, {"X-Auth-Token": "wrong"})]
    absurd = await client.get("/v2/caller?project=a%00", headers={"X-Auth-Token": TOKEN})

    assert [403001, 403001] == [code(answer) for answer in answers]
    assert 400004 == code(absurd)


async def test_documentation_has_every_call_and_its_parameters(client: httpx.AsyncClient) -> None:
    """What is served is in the OpenAPI document, with each parameter by name."""
    document = json.loads((await client.get("/openapi.json")).text)
    base = "/v2/{project_id}/mqs/instances/{instance_id}"
    described = {path: document["paths"][path]["get"] for path in ("/v2/caller", f"{base}/topics", f"{base}/messages")}
    names = {path: [item["name"] for item in call["parameters"]] for path, call in described.items()}

    assert {"topic", "cursor", "download", "preview"} <= set(names[f"{base}/messages"])
    assert "internal" in names[f"{base}/topics"]
    assert "project" in names["/v2/caller"]
    assert all({"200", "400", "403"} <= set(call["responses"]) for call in described.values())
