"""The files of the console: what their answers allow a browser to do, and that nothing comes from elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}
FOLDER = Path(str(files("service.console")))
ASSETS = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.suffix in {".js", ".css", ".svg"})


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("path", ["/console", *(f"/console/{name}" for name in ASSETS)])
async def test_console_file_has_strict_headers_and_is_revalidated(client: httpx.AsyncClient, path: str) -> None:
    """Each file comes without a token, under a policy that allows nothing else, and is sent again only when changed."""
    whole = await client.get(path)
    known = await client.get(path, headers={"If-None-Match": f'"other", W/{whole.headers["ETag"]}'})

    assert (200, 304, b"") == (whole.status_code, known.status_code, known.content)
    for answer in (whole, known):
        assert set(answer.headers["Content-Security-Policy"].split("; ")) == POLICY
        assert ["no-cache"] == answer.headers.get_list("Cache-Control")
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert "no-referrer" == answer.headers["Referrer-Policy"]
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    kind = kinds.get(path.rpartition(".")[2], "text/html")
    assert kind == whole.headers["Content-Type"].partition(";")[0]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    "path",
    [
        "/console/",
        "/console/__init__.py",
        "/console/../app.py",
        "/console/console.html",
        "/console/jobs/",
        "/console/api/bodies.d.ts",
        "/console/jobs/../__init__.py",
    ],
)
async def test_console_serves_nothing_else(client: httpx.AsyncClient, path: str) -> None:
    """Other files, those of the package included, are not there."""
    assert 404 == (await client.get(path)).status_code


@pytest.mark.parametrize("name", ["console.html", *ASSETS])
def test_console_file_names_no_other_place_and_writes_no_markup(name: str) -> None:
    """Nothing is loaded from elsewhere, no script can turn text into elements, one module can keep a token."""
    text = (FOLDER / name).read_text("utf-8")

    assert set(re.findall(r"https?://[^\s\"'`)]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|localStorage", text)
    assert name == "app/session.js" or "sessionStorage" not in text
