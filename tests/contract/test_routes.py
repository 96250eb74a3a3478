"""What holds for every call in the table of routes, so that a new one cannot do without it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from service.api.call import INSTANCE_PATH, Route
from service.api.routes import ROUTES
from tests.contract.conftest import TOKEN

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
OF_CALLERS = [route for route in ROUTES if route.needs != "nothing"]


async def ask(client: httpx.AsyncClient, route: Route, query: str, token: str | None) -> httpx.Response:
    path = route.path.format(project_id="project-1", instance_id="away", job_id="0-0123456789abcdef01234567")
    headers = {"Content-Type": "application/json"} | ({} if token is None else {"X-Auth-Token": token})
    return await client.request(route.method, f"{path}?{query}", headers=headers)


@pytest.mark.parametrize("route", OF_CALLERS, ids=lambda route: route.name)
@pytest.mark.parametrize("token", [None, "no-such-token"])
async def test_call_takes_a_token_that_is_known(client: httpx.AsyncClient, route: Route, token: str | None) -> None:
    """Whatever else is wrong with the request."""
    assert 403 == (await ask(client, route, "nosuch=1", token)).status_code


@pytest.mark.parametrize(
    "route", [route for route in OF_CALLERS if route.read_query is None], ids=lambda route: route.name
)
async def test_call_takes_no_parameter_that_it_does_not_know(client: httpx.AsyncClient, route: Route) -> None:
    """One may be mistyped, and the answer to another question; only a resend ignores others than its own."""
    answer = await ask(client, route, "nosuch=1", TOKEN)

    assert (400, "RESEND.00400032") == (answer.status_code, answer.json()["error_code"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_call_is_in_the_documents_with_all_its_parameters(route: Route) -> None:
    """By method and path, as a caller would look for it."""
    path = re.escape(route.path).replace(re.escape(INSTANCE_PATH), f"(?:…|{re.escape(INSTANCE_PATH)})")
    address = re.compile(rf"{route.method} +{path}(?![\w/{{-])")
    texts = [text for file in DOCUMENTS if address.search(text := file.read_text("utf-8"))]

    assert texts
    assert [] == [
        parameter.name
        for parameter in route.parameters
        if not any(re.search(rf"`{parameter.name}[`=]|[?&]{parameter.name}=", text) for text in texts)
    ]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_call_says_what_it_does_and_what_it_answers(route: Route) -> None:
    """The OpenAPI document is made of this, and says nothing where there is nothing."""
    assert route.summary
    assert route.description.endswith(".")
    assert all(answer.description for answer in route.answers)
    assert route.errors or route.needs == "nothing"
