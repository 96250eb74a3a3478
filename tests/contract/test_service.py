"""What holds for every path: errors, ids, the log, health, the documentation, open access."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
import structlog

from tests.contract.conftest import BODY, TOKEN, URL, callers, serving
from tests.support.worker import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADERS = {"X-Auth-Token": TOKEN, "Content-Type": "application/json"}


@pytest.mark.parametrize(
    "path", ["/v2", "/nothing", "/healthz/", URL.replace("?", "/?"), URL.replace("away", ""), "/docs/x", "/redoc"]
)
async def test_unknown_path_is_a_404_without_a_redirect(client: httpx.AsyncClient, path: str) -> None:
    """A path that is not served says so, even if it is one but for a slash."""
    response = await client.post(path, json=BODY, headers=HEADERS)

    assert (404, "RESEND.00404001") == (response.status_code, response.json()["error_code"])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"])
async def test_unknown_method_is_a_405_that_names_the_one(client: httpx.AsyncClient, method: str) -> None:
    """A method that a path does not have is refused in the one shape, with the Allow header."""
    response = await client.request(method, URL, headers=HEADERS)

    assert (405, "POST") == (response.status_code, response.headers["Allow"])
    # A HEAD has no body to tell it.
    assert method == "HEAD" or response.json()["error_code"] == "RESEND.00405001"


@pytest.mark.parametrize("request_id", ["a", "0f.-_Z", "x" * 128])
async def test_request_id_that_is_well_formed_is_kept(client: httpx.AsyncClient, request_id: str) -> None:
    """A caller finds its own id in the answer."""
    response = await client.post(URL, json=BODY, headers=HEADERS | {"X-Request-Id": request_id})

    assert request_id == response.headers["X-Request-Id"]


@pytest.mark.parametrize("request_id", ["", " ", "a b", "x" * 129, "a\tb", "{}", "a/b"])
async def test_request_id_that_is_not_well_formed_is_replaced(client: httpx.AsyncClient, request_id: str) -> None:
    """What could disturb a log gets an id of ours instead."""
    response = await client.get("/nothing", headers={"X-Request-Id": request_id})

    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-Id"])


async def test_request_ids_of_ours_differ(client: httpx.AsyncClient) -> None:
    """Each request without an id gets its own."""
    first, second = [(await client.get("/healthz")).headers["X-Request-Id"] for _ in range(2)]

    assert first != second


async def test_log_has_one_line_for_a_request_without_its_secrets(client: httpx.AsyncClient) -> None:
    """The line tells who asked for what and how it ended, and neither the token nor the key."""
    with structlog.testing.capture_logs() as lines:
        await client.post(URL, json=BODY, headers=HEADERS | {"X-Request-Id": "id-1"})

    (line,) = lines
    assert line.pop("milliseconds") >= 0
    # What the client library says differs from one outage to the next.
    assert line.pop("reason")
    assert {
        "event": "request",
        "log_level": "warning",
        "request_id": "id-1",
        "method": "POST",
        "project": "project-1",
        "instance": "away",
        "caller": "everyone",
        "position": "topic-test/0@4",
        "has_consumer_key": True,
        "outcome": "RESEND.00503001",
        "status": 503,
    } == line


@pytest.mark.parametrize(
    "url",
    [URL, URL.replace("project-1", "p" * 5000), f"/{'n' * 5000}?token={TOKEN}", f"{URL}&token={TOKEN}", URL + "&x=%0a"],
)
async def test_log_never_has_a_token_or_an_absurd_path(client: httpx.AsyncClient, url: str) -> None:
    """Whatever a caller sends, its line stays short, and a token in the wrong place is not kept."""
    with structlog.testing.capture_logs() as lines:
        await client.post(url, json=BODY | {"topic": "x" * 5000}, headers=HEADERS | {"X-Auth-Token": f"{TOKEN}"})
        await client.post(url, json=BODY, headers=HEADERS | {"X-Auth-Token": "wrong-but-secret"})

    text = json.dumps(lines)
    assert 2 == len(lines)
    assert TOKEN not in text
    assert "wrong-but-secret" not in text
    assert len(text) < 2000


async def test_healthz_is_always_200(client: httpx.AsyncClient) -> None:
    """The process answers, whatever its clusters do."""
    response = await client.get("/healthz")

    assert (200, {"status": "ok"}) == (response.status_code, response.json())


async def test_readyz_names_the_instance_that_is_away_without_its_address(
    client: httpx.AsyncClient, closed_port: int
) -> None:
    """A cluster that is away does not take the service out of rotation, and strangers learn no addresses."""
    response = await client.get("/readyz")

    away = {"state": "away", "reason": "no broker answers"}
    assert (200, {"status": "ready", "instances": {"away": away, "owned": away, "read-only": away}}) == (
        response.status_code,
        response.json(),
    )
    assert str(closed_port) not in response.text


async def test_readyz_says_when_the_callers_file_cannot_be_read(tmp_path: Path, closed_port: int) -> None:
    """Old grants that stay in effect are seen by those who watch the service, not only in its log."""
    callers_file = tmp_path / "callers.toml"
    everything: dict[str, object] = {"projects": ["*"], "instances": ["*"], "topics": ["*"], "actions": ["*"]}
    content = callers({"name": "a", "token": TOKEN, **everything})
    callers_file.write_text(content, "utf-8")
    tables: dict[str, dict[str, object]] = {
        "auth": {"callers_file": str(callers_file)},
        "instances.away": {"bootstrap_servers": [f"127.0.0.1:{closed_port}"]},
    }
    async with serving(tmp_path, tables) as client:

        async def told() -> tuple[int, str | None]:
            answer = await client.get("/readyz")
            return answer.status_code, answer.json().get("callers")

        async def missing() -> bool:
            return (await told())[1] is not None

        async def found() -> bool:
            return not await missing()

        before = await told()
        callers_file.unlink()
        await eventually(missing, seconds=10)
        gone = await told()
        callers_file.write_text(content, "utf-8")
        await eventually(found, seconds=10)

    assert (200, None) == before
    assert (200, "the callers file cannot be read: the grants read before stay in effect") == gone


async def test_readyz_before_the_start_and_after_the_stop_is_503(tmp_path: Path, closed_port: int) -> None:
    """Requests are to be sent here only between the first attempt to open the instances and the stop."""
    async with serving(tmp_path, open_access(closed_port)) as client:
        during = await client.get("/readyz")
        app = client._transport.app  # type: ignore[attr-defined]
    fresh = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
    async with fresh:
        after = await fresh.get("/readyz")
        refused = await fresh.post(URL, json=BODY, headers=HEADERS)

    assert [(200, "ready"), (503, "stopping")] == [(r.status_code, r.json()["status"]) for r in (during, after)]
    assert (503, "RESEND.00503003") == (refused.status_code, refused.json()["error_code"])


def open_access(port: int) -> dict[str, dict[str, object]]:
    """Return settings that let everyone in."""
    return {"auth": {"allow_anonymous": True}, "instances.away": {"bootstrap_servers": [f"127.0.0.1:{port}"]}}


async def test_open_access_wants_a_loopback_host_and_the_token_header(tmp_path: Path, closed_port: int) -> None:
    """A page elsewhere can neither send the header unasked nor choose a loopback name."""
    token = {"X-Auth-Token": "anything"}
    codes = {}
    async with serving(tmp_path, open_access(closed_port)) as client:
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"]:
            response = await client.post(URL, json=BODY, headers=token | {"Host": host})
            codes[host] = response.json()["error_code"]
        for host in [
            "",
            "example.org",
            "127.0.0.1.example.org",
            "localhost.",
            "10.0.0.1",
            "localhost:x",
            "[::1",
            "::1",
        ]:
            response = await client.post(URL, json=BODY, headers=token | {"Host": host})
            codes[host] = response.json()["error_code"]
        without = await client.post(URL, json=BODY)

    assert ["RESEND.00503001"] * 6 + ["RESEND.00403003"] * 8 == list(codes.values())
    assert "RESEND.00403002" == without.json()["error_code"]


async def test_openapi_document_shows_bodies_statuses_and_real_examples(client: httpx.AsyncClient) -> None:
    """Every status that a resend may have is there, with examples that are true."""
    document = (await client.get("/openapi.json")).json()
    (path,) = (path for path in document["paths"] if path.endswith("/messages/action"))
    operation = document["paths"][path]["post"]
    request = operation["requestBody"]["content"]["application/json"]

    assert URL.partition("?")[0] == path.format(project_id="project-1", instance_id="away")
    assert {"$ref": "#/components/schemas/ResendRequest"} == request["schema"]
    schema = document["components"]["schemas"]["ResendRequest"]
    assert {"topic", "partition", "message_offset", "consumer_key"} == set(schema["properties"])
    assert ["topic", "partition", "message_offset"] == schema["required"]
    assert BODY == schema["example"]
    offset = schema["properties"]["message_offset"]
    assert (0, 2**63 - 1) == (offset["minimum"], offset["maximum"])
    statuses = ["200", "400", "403", "408", "413", "415", "429", "431", "500", "503", "504"]
    assert statuses == list(operation["responses"])
    assert BODY == operation["responses"]["200"]["content"]["application/json"]["example"]
    for status, response in operation["responses"].items():
        if status != "200":
            examples = [example["value"] for example in response["content"]["application/json"]["examples"].values()]
            assert examples
            assert all(example["error_code"].startswith(f"RESEND.00{status}") for example in examples)


async def test_openapi_document_has_a_clean_name_for_each_schema_and_operation(client: httpx.AsyncClient) -> None:
    """Programs make classes and functions of the names: no two share one, and no bound of an integer is a float."""
    text = (await client.get("/openapi.json")).text
    document = json.loads(text)
    schemas = document["components"]["schemas"]
    operations = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]

    assert [] == [name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z]+", name)]
    assert list(schemas) == [schema["title"] for schema in schemas.values()]
    assert [] == [name for name in operations if not re.fullmatch(r"[a-z-]+", name)]
    assert len(operations) == len(set(operations))
    assert {"JobRequest", "ResendRequest"} <= set(schemas)
    assert not re.search(r'"(?:minimum|maximum)": [0-9]+(?:\.|e\+)|"[gl]e":', text)
    assert {f"#/components/schemas/{name}" for name in schemas} >= set(re.findall(r'"\$ref": "([^"]+)"', text))


async def test_docs_load_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    """The page works without the internet: all that it names comes from the service."""
    page = await client.get("/docs")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assets = [name for name in named if not name.startswith("data:")]

    assert 200 == page.status_code
    assert 2 == len(assets)
    assert "://" not in page.text
    for name in assets:
        asset = await client.get(httpx.URL("http://localhost/docs").join(name))
        assert 200 == asset.status_code
        assert len(asset.content) > 10_000
    assert "'self'" in page.headers["Content-Security-Policy"]
