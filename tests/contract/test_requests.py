"""What a resend's request may be. The instance has no broker: whatever passes all checks is answered 503."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.conftest import BODY, TOKEN, TOKEN_OF_ORDERS, URL

pytestmark = pytest.mark.asyncio(loop_scope="session")

AWAY = "RESEND.00503001"
FORBIDDEN = "RESEND.00403001"


async def post(
    client: httpx.AsyncClient,
    url: str = URL,
    *,
    content: bytes | AsyncIterator[bytes] | None = None,
    token: str | bytes | None = TOKEN,
    content_type: str | None = "application/json",
    **headers: str,
) -> httpx.Response:
    """Send a request that is good but for what is given; None leaves a header out."""
    sent: dict[str, str | bytes] = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["X-Auth-Token"] = token
    if content_type is not None:
        sent["Content-Type"] = content_type
    fields = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in sent.items()]
    return await client.post(url, content=json.dumps(BODY).encode() if content is None else content, headers=fields)


def code_of(response: httpx.Response) -> str:
    """Return the error_code, once the answer is known to have the shape that all errors have."""
    body = response.json()
    assert {"error_code", "error_msg"} == set(body)
    assert isinstance(body["error_msg"], str)
    code = body["error_code"]
    assert f"RESEND.00{response.status_code}" == code[:-3]
    assert "application/json" == response.headers["Content-Type"]
    assert "no-store" == response.headers["Cache-Control"]
    assert "nosniff" == response.headers["X-Content-Type-Options"]
    assert response.headers["X-Request-Id"]
    return str(code)


async def test_request_of_the_api_document_without_a_broker_is_answered_503(client: httpx.AsyncClient) -> None:
    """A good request to a cluster that is away is refused as such, with the time for another try."""
    response = await post(client)

    assert AWAY == code_of(response)
    assert int(response.headers["Retry-After"]) >= 1


async def test_request_to_a_read_only_instance_is_refused_whether_or_not_it_answers(client: httpx.AsyncClient) -> None:
    """That is the answer even where the cluster is away."""
    assert "RESEND.00400204" == code_of(await post(client, URL.replace("away", "read-only")))


@pytest.mark.parametrize(
    ("url", "token", "content"),
    [
        (URL, None, None),
        (URL, "", None),
        (URL, "wrong", None),
        (URL, "token-expired", None),
        (URL, TOKEN.upper(), None),
        (URL, "tökén", None),
        (URL, b"\xff\x00\x7f", None),
        (URL, "token-of-reader", None),
        (URL.replace("away", "unknown"), TOKEN, None),
        (URL.replace("away", "owned"), TOKEN, None),
        (URL.replace("away", "owned").replace("project-1", "project-2"), TOKEN_OF_ORDERS, None),
        (URL.replace("project-1", "project-2"), TOKEN_OF_ORDERS, None),
        (URL, TOKEN_OF_ORDERS, json.dumps(BODY).encode()),
        (URL.replace("project-1", "project-2"), TOKEN_OF_ORDERS, b"no JSON"),
        (URL.replace("away", "owned"), TOKEN, b"x" * 100_000),
        (URL.replace("?action_id=resend", ""), "wrong", None),
    ],
)
async def test_request_without_a_grant_is_refused_in_one_wording(
    client: httpx.AsyncClient, url: str, token: str | bytes | None, content: bytes | None
) -> None:
    """Who may not ask learns nothing: not even whether the instance exists, or what else is wrong with the request."""
    response = await post(client, url, token=token, content=content)

    assert (
        403,
        {
            "error_code": FORBIDDEN,
            "error_msg": "no such instance, or not allowed; check X-Auth-Token, project, instance and topic against "
            "what was granted",
        },
    ) == (response.status_code, response.json())


async def test_request_with_two_tokens_is_refused(client: httpx.AsyncClient) -> None:
    """Which of two tokens is meant cannot be known."""
    headers = [("X-Auth-Token", TOKEN), ("X-Auth-Token", TOKEN), ("Content-Type", "application/json")]

    assert FORBIDDEN == code_of(await client.post(URL, json=BODY, headers=headers))


async def test_request_for_a_granted_topic_passes(client: httpx.AsyncClient) -> None:
    """A grant for a pattern of topics reaches the topics that match."""
    granted = json.dumps(BODY | {"topic": "orders.eu"}).encode()

    assert AWAY == code_of(await post(client, token=TOKEN_OF_ORDERS, content=granted))


async def test_instance_owned_by_a_project_is_reached_through_that_project(client: httpx.AsyncClient) -> None:
    """An instance serves the projects that own it."""
    assert AWAY == code_of(await post(client, URL.replace("away", "owned").replace("project-1", "project-2")))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "RESEND.00400001"),
        ("?", "RESEND.00400001"),
        ("?Action_id=resend", "RESEND.00400001"),
        ("?action_id=resend&action_id=resend", "RESEND.00400002"),
        ("?action_id=resend&action_id=", "RESEND.00400002"),
        ("?" + "a=b&" * 200, "RESEND.00400002"),
        ("?action_id=", "RESEND.00400003"),
        ("?action_id=Resend", "RESEND.00400003"),
        ("?action_id=delete", "RESEND.00400003"),
        ("?action_id=%ff%00", "RESEND.00400003"),
        ("?action_id=" + "x" * 5000, "RESEND.00400003"),
        ("?action_id=resend&other=1", AWAY),
        ("?action_id=%72esend", AWAY),
    ],
)
async def test_action_id_not_exactly_one_resend_is_refused(client: httpx.AsyncClient, query: str, code: str) -> None:
    """The action is named once, and is resend."""
    response = await post(client, URL.partition("?")[0] + query)

    assert code == code_of(response)
    assert len(response.text) < 400


@pytest.mark.parametrize("part", ["project-1", "away"])
@pytest.mark.parametrize("value", ["x" * 129, "x" * 8000, "a%00b", "a%0Ab", "%E2%80%AE"])
async def test_path_id_that_is_absurd_is_refused_as_such(client: httpx.AsyncClient, part: str, value: str) -> None:
    """An id of absurd length or content is refused for every caller, and not echoed."""
    response = await post(client, URL.replace(part, value))

    assert "RESEND.00400004" == code_of(response)
    assert "xxx" not in response.text


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json ; Charset=utf8",
    ],
)
async def test_content_type_of_json_in_utf_8_is_taken(client: httpx.AsyncClient, content_type: str | None) -> None:
    """However it is written, or not given at all."""
    assert AWAY == code_of(await post(client, content_type=content_type))


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json, text/plain",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/problem+json",
        "x" * 8000,
    ],
)
async def test_content_type_of_anything_else_is_refused(client: httpx.AsyncClient, content_type: str) -> None:
    """A page elsewhere can send a form or plain text unasked; those must not pass for JSON."""
    response = await post(client, content_type=content_type)

    assert "RESEND.00415001" == code_of(response)
    assert len(response.text) < 400


async def test_content_type_named_twice_is_refused(client: httpx.AsyncClient) -> None:
    """Which of two types is meant cannot be known."""
    headers = [("X-Auth-Token", TOKEN), ("Content-Type", "application/json"), ("Content-Type", "application/json")]

    assert "RESEND.00415001" == code_of(await client.post(URL, content=json.dumps(BODY), headers=headers))


async def test_content_encoding_is_refused(client: httpx.AsyncClient) -> None:
    """A compressed body is told to be one, rather than not to be UTF-8."""
    assert "RESEND.00415002" == code_of(await post(client, Content_Encoding="gzip"))


async def test_body_over_the_limit_is_refused_by_its_length(client: httpx.AsyncClient) -> None:
    """A body that says to be too large is not read."""
    response = await post(client, content=b" " * 65537)

    assert "RESEND.00413001" == code_of(response)
    assert "close" == response.headers["Connection"]


async def test_body_at_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    """The limit itself is allowed."""
    assert AWAY == code_of(await post(client, content=json.dumps(BODY).encode().ljust(65536)))


async def test_body_without_a_length_is_read_no_further_than_the_limit(client: httpx.AsyncClient) -> None:
    """A body in pieces is counted while it comes, and dropped once it is too large."""
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 10_000

    response = await post(client, content=pieces())

    assert "RESEND.00413001" == code_of(response)
    assert sent < 20


async def test_body_in_pieces_is_taken(client: httpx.AsyncClient) -> None:
    """How a body is cut on its way does not matter."""

    async def pieces() -> AsyncIterator[bytes]:
        for byte in json.dumps(BODY).encode():
            yield bytes([byte])

    assert AWAY == code_of(await post(client, content=pieces()))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "RESEND.00400005"),
        (b"\xff\xfe", "RESEND.00400006"),
        (b"{", "RESEND.00400007"),
        (b'{"topic": NaN}', "RESEND.00400007"),
        (b"[" * 65536, "RESEND.00400007"),
        (b"[]", "RESEND.00400008"),
        (b'{"topic": "a", "topic": "a"}', "RESEND.00400009"),
        (json.dumps(BODY | {"consumerKey": "keyA"}).encode(), "RESEND.00400010"),
        (b"{}", "RESEND.00400011"),
        (json.dumps(BODY | {"topic": 1}).encode(), "RESEND.00400012"),
        (json.dumps(BODY | {"topic": "a b"}).encode(), "RESEND.00400013"),
        (json.dumps(BODY | {"partition": 0.0}).encode(), "RESEND.00400014"),
        (json.dumps(BODY | {"partition": "0"}).encode(), "RESEND.00400014"),
        (json.dumps(BODY | {"partition": 2**31}).encode(), "RESEND.00400015"),
        (json.dumps(BODY | {"message_offset": "4"}).encode(), "RESEND.00400016"),
        (json.dumps(BODY | {"message_offset": True}).encode(), "RESEND.00400016"),
        (json.dumps(BODY | {"message_offset": 4.5}).encode(), "RESEND.00400017"),
        (json.dumps(BODY | {"message_offset": -1}).encode(), "RESEND.00400018"),
        (json.dumps(BODY | {"message_offset": 2**63}).encode(), "RESEND.00400018"),
        (json.dumps(BODY | {"message_offset": 2.0**53}).encode(), "RESEND.00400019"),
        (json.dumps(BODY | {"consumer_key": 1}).encode(), "RESEND.00400020"),
        (json.dumps(BODY | {"consumer_key": ""}).encode(), "RESEND.00400021"),
        (json.dumps(BODY | {"consumer_key": "k" * 1025}).encode(), "RESEND.00400022"),
        (json.dumps(BODY | {"consumer_key": "\ud800"}).encode(), "RESEND.00400023"),
        (json.dumps(BODY | {"message_offset": 4.0}).encode(), AWAY),
        (json.dumps(BODY | {"consumer_key": None}).encode(), AWAY),
    ],
)
async def test_body_has_an_answer_of_its_own_for_each_fault(
    client: httpx.AsyncClient, content: bytes, code: str
) -> None:
    """Each thing that can be wrong with a body has its own code."""
    assert code == code_of(await post(client, content=content))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "topic": _JSON | st.just("topic-test"),
        "partition": _JSON | st.just(0),
        "message_offset": _JSON | st.just(4),
        "consumer_key": _JSON | st.text(st.characters(), min_size=1),
    },
)


@given(
    content=st.binary(max_size=200)
    | _JSON.map(lambda value: json.dumps(value).encode())
    | _FIELDS.map(lambda value: json.dumps(value).encode())
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_body_is_refused_in_words_or_reaches_the_cluster(client: httpx.AsyncClient, content: bytes) -> None:
    """No body is an unexpected error."""
    response = await post(client, content=content)

    assert response.status_code == 400 or code_of(response) == AWAY


@given(
    project=st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=150),
    query=st.binary(max_size=100),
    content_type=st.binary(max_size=60).filter(lambda value: b"\n" not in value and b"\r" not in value),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_address_is_refused_in_words_or_reaches_the_cluster(
    client: httpx.AsyncClient, project: str, query: bytes, content_type: bytes
) -> None:
    """No path, query or content type is an unexpected error."""
    url = f"/v2/{quote(project, safe='')}/mqs/instances/away/messages/action?action_id={quote_from_bytes(query)}"
    headers = [(b"X-Auth-Token", TOKEN.encode()), (b"Content-Type", content_type)]
    response = await client.post(url, content=json.dumps(BODY).encode(), headers=headers)

    assert response.status_code < 500 or code_of(response) == AWAY
