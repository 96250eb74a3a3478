"""What is refused of jobs before anything could reach a broker, and what /openapi.json says of them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import structlog

from kafka.demo.embedded import EmbeddedBroker
from service.app import create_app
from service.settings.model import demo_settings
from tests.contract.conftest import TOKEN, TOKEN_OF_ORDERS

pytestmark = pytest.mark.asyncio(loop_scope="session")

BASE = "/v2/project-1/mqs/instances/away/resend-jobs"
JOB = f"{BASE}/0-0123456789abcdef01234567"
BODY = {"topic": "topic-test"}
HEADERS = {"X-Auth-Token": TOKEN}
CALLS = (
    ("POST", BASE),
    ("GET", BASE),
    ("GET", JOB),
    ("GET", f"{JOB}/consumers"),
    ("POST", f"{JOB}/cancel"),
    ("POST", f"{JOB}/pause"),
    ("POST", f"{JOB}/resume"),
    ("POST", f"{JOB}/resend-failed"),
)


def code(response: httpx.Response) -> int:
    """Return status and number of an error as one."""
    return int(response.json()["error_code"].removeprefix("RESEND.00"))


async def ask(client: httpx.AsyncClient, method: str, path: str, token: str | None = TOKEN) -> httpx.Response:
    """Send a call that is in order."""
    body = BODY if path == BASE and method == "POST" else None
    return await client.request(method, path, json=body, headers={} if token is None else {"X-Auth-Token": token})


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_jobs_take_a_token_with_the_right_to_them(client: httpx.AsyncClient, method: str, path: str) -> None:
    """No token, a wrong one, one without the action, another project's or no instance: one wording for all."""
    answers = [
        await ask(client, method, path, None),
        await ask(client, method, path, "wrong"),
        await ask(client, method, path, TOKEN_OF_ORDERS),
        await ask(client, method, path, "token-of-reader"),
        await ask(client, method, path.replace("/away/", "/owned/")),
        await ask(client, method, path.replace("/away/", "/nowhere/")),
    ]

    assert [403001] * 6 == [code(answer) for answer in answers]
    assert 1 == len({answer.text for answer in answers})


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_jobs_on_a_cluster_that_is_away_are_a_503(client: httpx.AsyncClient, method: str, path: str) -> None:
    """It is told at once, with when to try again."""
    answer = await ask(client, method, path)

    assert (503001, "1") == (code(answer), answer.headers["Retry-After"])


async def test_job_on_a_read_only_instance_is_refused_and_a_dry_run_is_not(client: httpx.AsyncClient) -> None:
    """The switch stops what writes, whether the cluster is there or not."""
    path = BASE.replace("/away/", "/read-only/")
    refused = await client.post(path, json=BODY, headers=HEADERS)
    dry = await client.post(path, json=BODY | {"dry_run": True}, headers=HEADERS)

    assert [400204, 503001] == [code(refused), code(dry)]


@pytest.mark.parametrize(
    "more",
    [
        {"topics": ["topic-test"]},
        {"consumerKey": "keyA"},
        {"filter": {"keys": "k"}},
        {"filter": {"headers": [{"key": "h"}]}},
        {"messages": [{"partition": 0, "offset": 4}]},
        {"offsets": [{"partition": 0, "from": 4}]},
        {"target": {"dialect": "spring", "keep_headers": True}},
        {"target": {"dialect": "spring", "by_operator": True}},
    ],
)
async def test_misspelt_field_of_a_job_is_refused(client: httpx.AsyncClient, more: dict[str, object]) -> None:
    """A condition that is not understood would resend more than was asked for."""
    answer = await client.post(BASE, json=BODY | more, headers=HEADERS)

    assert 400042 == code(answer)
    assert "unknown field" in answer.json()["error_msg"]


@pytest.mark.parametrize(
    ("target", "number"),
    [
        (None, 503001),
        ({"dialect": "spring"}, 503001),
        ({"dialect": "connect", "remove_headers": True}, 503001),
        ({"dialect": "auto", "remove_headers": False, "group_as_recipient": True}, 503001),
        ({"dialect": "x-original"}, 503001),
        ({"dialect": "any"}, 400042),
        ({"dialect": "share-group"}, 503001),
        ({"dialect": ""}, 400042),
        ({}, 400042),
        ({"dialect": None}, 400042),
        ({"dialect": "Spring"}, 400042),
        ({"dialect": ["spring"]}, 400042),
        ({"dialect": "spring", "remove_headers": None}, 400042),
        ({"dialect": "spring", "remove_headers": "yes"}, 400042),
        ({"topic": "orders"}, 400042),
        ("spring", 400042),
    ],
)
async def test_target_of_a_job_is_an_origin_that_is_known(
    client: httpx.AsyncClient, target: object, number: int
) -> None:
    """Null is the messages' own topic; nothing else is taken for it, or the copies would go elsewhere."""
    answer = await client.post(BASE, json=BODY | {"target": target}, headers=HEADERS)

    assert number == code(answer)


@pytest.mark.parametrize(
    ("chosen", "number"),
    [
        (None, 503001),
        ({}, 503001),
        ({"dialect": "share-group", "topic": "orders", "group": "", "reason": None}, 503001),
        ({"dialect": "auto"}, 400042),
        ({"dialect": "legacy"}, 400042),
        ({"dialects": "spring"}, 400042),
        ({"reason": 5}, 400042),
        ("spring", 400042),
    ],
)
async def test_filter_of_a_job_may_choose_dead_letters_of_a_dialect_that_is_known(
    client: httpx.AsyncClient, chosen: object, number: int
) -> None:
    """An unknown one would match nothing."""
    answer = await client.post(BASE, json=BODY | {"filter": {"dead_letters": chosen}}, headers=HEADERS)

    assert number == code(answer)


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (b"", 400005),
        (b"\xff", 400006),
        (b"{", 400007),
        (b'{"topic": "a", "topic": "b"}', 400009),
        (b"[]", 400042),
        (b"{}", 400042),
        (b'{"topic": 1}', 400012),
        (b'{"topic": "a b"}', 400013),
        (b'{"topic": "a", "consumer_key": ""}', 400021),
        (b'{"topic": "a", "records_per_second": NaN}', 400007),
        (b'{"topic": "' + b"a" * 2_000_000 + b'"}', 413001),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
async def test_body_that_is_no_job_is_refused(client: httpx.AsyncClient, content: bytes, number: int) -> None:
    """The body as a whole is refused in the words of a single resend."""
    answer = await client.post(BASE, content=content, headers=HEADERS | {"Content-Type": "application/json"})

    assert number == code(answer)


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "-1",
        "1e-400",
        "1e-99999999999999999999",
        "9.9e-7",
        "10000000.1",
        "1e400",
        "1e99999999999999999999",
        "9" * 500,
    ],
)
async def test_rate_that_a_double_would_round_to_nothing_or_to_all_is_refused(
    client: httpx.AsyncClient, number: str
) -> None:
    """A cap that becomes 0 would make a job that never runs, and that no version could read."""
    content = f'{{"topic": "a", "records_per_second": {number}}}'
    answer = await client.post(BASE, content=content, headers=HEADERS | {"Content-Type": "application/json"})

    assert 400042 == code(answer)
    assert "not a number from 0.000001 to 10000000" in answer.json()["error_msg"]


@pytest.mark.parametrize("number", ["1e-6", "0.1", "1", "1e7", "1.0000000000000000000000001"])
async def test_rate_within_its_bounds_is_taken(client: httpx.AsyncClient, number: str) -> None:
    """However it is written."""
    content = f'{{"topic": "a", "records_per_second": {number}}}'
    answer = await client.post(BASE, content=content, headers=HEADERS | {"Content-Type": "application/json"})

    assert 503001 == code(answer)


async def test_body_of_another_type_is_refused(client: httpx.AsyncClient) -> None:
    """A page elsewhere could send plain text or a form unasked, also where nothing is to be said."""
    for path in (BASE, f"{JOB}/cancel"):
        answer = await client.post(path, content=b"{}", headers=HEADERS | {"Content-Type": "text/plain"})
        assert 415001 == code(answer)


@pytest.mark.parametrize("action", ["cancel", "pause", "resume", "resend-failed"])
async def test_action_takes_no_body_but_an_empty_one(client: httpx.AsyncClient, action: str) -> None:
    """What says something that nobody reads is refused."""
    refused = await client.post(f"{JOB}/{action}", json={"dry_run": True}, headers=HEADERS)
    taken = await client.post(f"{JOB}/{action}", json={}, headers=HEADERS)

    assert [400042, 503001] == [code(refused), code(taken)]


@pytest.mark.parametrize(
    ("method", "path", "number"),
    [
        ("POST", f"{BASE}?dry_run=true", 400032),
        ("GET", f"{JOB}?state=running", 400032),
        ("POST", f"{JOB}/cancel?x=", 400032),
        ("GET", f"{BASE}?status=running", 400032),
        ("GET", f"{BASE}?state=running&state=failed", 400033),
        ("GET", f"{BASE}?state=running,done", 400036),
        ("GET", f"{BASE}?state=Running", 400036),
        ("GET", f"{BASE}?limit=0", 400035),
        ("GET", f"{BASE}?limit=1001", 400035),
        ("GET", f"{BASE}?offset=-1", 400035),
        ("GET", f"{BASE}?state=running,failed&limit=1000&offset=0", 503001),
    ],
)
async def test_parameter_that_is_not_as_it_may_be_is_refused(
    client: httpx.AsyncClient, method: str, path: str, number: int
) -> None:
    """A dry_run in the address, say, would be a job that writes."""
    answer = await client.request(
        method, path, json=BODY if method == "POST" and "cancel" not in path else None, headers=HEADERS
    )

    assert number == code(answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_unknown_method_of_jobs_is_a_405(client: httpx.AsyncClient, method: str) -> None:
    """A job is cancelled, not deleted."""
    assert 405001 == code(await client.request(method, JOB, headers=HEADERS))


async def test_line_in_the_log_names_job_and_action(client: httpx.AsyncClient) -> None:
    """Who asked what of which job is told of refused requests as well."""
    with structlog.testing.capture_logs() as lines:
        await client.post(f"{JOB}/cancel", headers=HEADERS)
        await client.post(f"{JOB}/pause", headers={"X-Auth-Token": TOKEN_OF_ORDERS})

    told = [(line["caller"], line["action"], line["job"], line["outcome"]) for line in lines]
    job_id = JOB.rpartition("/")[2]
    expected = [("everyone", "cancel", job_id, "RESEND.00503001"), ("orders", "pause", job_id, "RESEND.00403001")]
    assert expected == told


async def test_embedded_broker_has_no_jobs() -> None:
    """It has no transactions; the answer says what to start instead."""
    with EmbeddedBroker() as broker:
        app = create_app(demo_settings(broker.start(), "away", 0))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            answers = [await ask(client, method, path) for method, path in CALLS]

    assert [400601] * len(CALLS) == [code(answer) for answer in answers]
    assert "make up" in answers[0].json()["error_msg"]


async def test_openapi_document_has_all_calls_and_no_dangling_reference(client: httpx.AsyncClient) -> None:
    """Each call has its path, its answers with examples, and every reference leads somewhere."""
    document = (await client.get("/openapi.json")).json()
    paths = {path: item for path, item in document["paths"].items() if "resend-jobs" in path}

    def references(part: Any) -> list[str]:
        if isinstance(part, list):
            return [found for item in part for found in references(item)]
        if not isinstance(part, dict):
            return []
        own = [part["$ref"]] if "$ref" in part else []
        return own + [found for item in part.values() for found in references(item)]

    schemas = document["components"]["schemas"]
    assert {reference.removeprefix("#/components/schemas/") for reference in references(paths)} <= set(schemas)
    assert len(CALLS) == sum(len(item) for item in paths.values())
    for item in paths.values():
        for call in item.values():
            assert call["responses"]["403"]["content"]["application/json"]["examples"]
    body = paths["/v2/{project_id}/mqs/instances/{instance_id}/resend-jobs"]["post"]["requestBody"]
    assert {"$ref": "#/components/schemas/JobRequest"} == body["content"]["application/json"]["schema"]
    assert {"topic", "messages", "filter", "dry_run", "target"} <= set(schemas["JobRequest"]["properties"])
    assert (
        "Location"
        in paths["/v2/{project_id}/mqs/instances/{instance_id}/resend-jobs"]["post"]["responses"]["202"]["headers"]
    )
