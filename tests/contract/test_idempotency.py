"""The header Idempotency-Key, as far as no broker is needed: what is refused, logged and documented."""

from __future__ import annotations

import httpx
import pytest
import structlog

from kafka.demo.embedded import EmbeddedBroker
from service.app import create_app
from service.settings.model import demo_settings
from tests.contract.conftest import BODY, TOKEN, URL

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOBS = "/v2/project-1/mqs/instances/away/resend-jobs"
JOB_BODY: dict[str, object] = {"topic": "topic-test"}
HEADERS = {"X-Auth-Token": TOKEN}
CALLS: tuple[tuple[str, dict[str, object]], ...] = (
    (URL, {**BODY}),
    (JOBS, JOB_BODY),
    (f"{JOBS}/0-0123456789abcdef01234567/resend-failed", {}),
)


def code(response: httpx.Response) -> int:
    """Return status and number of an error as one."""
    return int(response.json()["error_code"].removeprefix("RESEND.00"))


@pytest.mark.parametrize(("path", "body"), CALLS)
@pytest.mark.parametrize("keys", [[b""], [b"a" * 256], [b"a b"], [b"\xfc"], [b"a\x01"], [b"a", b"a"], [b"a", b"b"]])
async def test_header_that_holds_no_key_is_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, object], keys: list[bytes]
) -> None:
    """A key that is cut, or of which there are two, would be another one the next time."""
    sent = [(b"x-auth-token", TOKEN.encode()), *((b"idempotency-key", key) for key in keys)]
    answer = await client.post(path, json=body, headers=sent)

    assert 400701 == code(answer)
    assert "a" * 256 not in answer.text


@pytest.mark.parametrize(("path", "body"), CALLS)
@pytest.mark.parametrize("key", ["a", "a" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "!~"])
async def test_header_with_a_key_changes_no_other_refusal(
    client: httpx.AsyncClient, path: str, body: dict[str, object], key: str
) -> None:
    """What is refused without a key is refused with one in the same way."""
    headers = HEADERS | {"Idempotency-Key": key}

    assert 503001 == code(await client.post(path, json=body, headers=headers))
    assert 403001 == code(await client.post(path, json=body, headers=headers | {"X-Auth-Token": "wrong"}))
    assert code(await client.post(path, json=[], headers=headers)) in {400008, 400042}


async def test_resend_with_a_key_on_a_read_only_instance_is_refused_while_the_cluster_is_away(
    client: httpx.AsyncClient,
) -> None:
    """Whether there is an answer already, only the cluster could tell."""
    path = URL.replace("/away/", "/read-only/")

    assert 503001 == code(await client.post(path, json=BODY, headers=HEADERS | {"Idempotency-Key": "a"}))
    assert 400204 == code(await client.post(path, json=BODY, headers=HEADERS))


async def test_other_calls_leave_the_header_alone(client: httpx.AsyncClient) -> None:
    """They write nothing, or nothing more when they are repeated."""
    headers = HEADERS | {"Idempotency-Key": ""}
    answers = [
        await client.get(JOBS, headers=headers),
        await client.post(f"{JOBS}/0-0123456789abcdef01234567/cancel", headers=headers),
    ]

    assert [503001] * 2 == [code(answer) for answer in answers]


async def test_line_in_the_log_says_that_there_was_a_key_and_not_which(client: httpx.AsyncClient) -> None:
    """Whoever reads the log cannot ask for the answer."""
    with structlog.testing.capture_logs() as lines:
        for path, body in CALLS:
            await client.post(path, json=body, headers=HEADERS | {"Idempotency-Key": "very-secret"})
        await client.post(URL, json=BODY, headers=HEADERS)

    assert [True, True, True, None] == [line.get("idempotency_key") for line in lines]
    assert "very-secret" not in str(lines)


async def test_embedded_broker_has_no_keys() -> None:
    """It has no transactions; the answer says what to start instead, and nothing is written."""
    with EmbeddedBroker() as broker:
        app = create_app(demo_settings(broker.start(), "away", 0))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            headers = HEADERS | {"Idempotency-Key": "a"}
            answers = [await client.post(path, json=body, headers=headers) for path, body in CALLS[:2]]

    assert [400703] * 2 == [code(answer) for answer in answers]
    assert "make up" in answers[0].json()["error_msg"]


async def test_openapi_document_has_the_header_where_it_is_read(client: httpx.AsyncClient) -> None:
    """Of the calls that write, those that can be repeated with it; their answers tell whether they were."""
    document = (await client.get("/openapi.json")).json()
    found = {}
    for path, item in document["paths"].items():
        for call in item.values():
            if any(parameter["name"] == "Idempotency-Key" for parameter in call.get("parameters", ())):
                found[path.rpartition("/")[2]] = call["responses"]

    assert {"action", "resend-jobs", "resend-failed"} == set(found)
    for responses in found.values():
        done = responses.get("200") or responses["202"]
        assert "Idempotency-Replayed" in done["headers"]
        assert {"KeyReused", "KeysNotHere"} <= set(responses["400"]["content"]["application/json"]["examples"])
        assert "NoWorker" in responses["503"]["content"]["application/json"]["examples"]
        assert "KeyOutcomeUnknown" in responses["504"]["content"]["application/json"]["examples"]
