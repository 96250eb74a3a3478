"""The console: a page that shows topics and records and resends them, served from the files in this package.

The page is plain HTML, CSS and JavaScript modules, as they lie here: nothing is built, and nothing is loaded from
elsewhere; the declarations of types (.d.ts) are for the checks of `make console` alone. It holds no data and no secret;
all that it shows it asks the HTTP API for, with the token that its user typed. That stays in the page's memory;
app/session.js keeps it in the tab where the user asks for that.

app/ is what the whole page shares: state, router, addresses, header, sign-in. api/ asks the HTTP API. page/ makes
elements and charts. filter/ says which records are meant, in a search and in a job. records/ and jobs/ are the two
views; resend/ is the question before a resend, and its result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from service.api.prefix import prefix_of
from service.http.request_context import request_log_of

PATH = "/console"

_PAGE = "console.html"
# An attempt with some token would be a refusal in the log at every visit.
_TOKEN_WANTED, _ANY_TOKEN = b'data-access="token"', b'data-access="anonymous"'
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


def add_console(app: FastAPI, *, open_to_all: bool) -> None:
    """Serve /console, and the files that the page loads below it; / leads there.

    Args:
        app: the application.
        open_to_all: any token will do, so the page asks its user for none.
    """
    app.add_route("/", _to_console, methods=["GET"], include_in_schema=False)
    for path, file in _files_below(files(__name__), PATH):
        suffix = file.name[file.name.rfind(".") :]
        if file.name == _PAGE:
            content = file.read_bytes()
            page = content.replace(_TOKEN_WANTED, _ANY_TOKEN) if open_to_all else content
            app.add_route(PATH, _served(page, "text/html"), methods=["GET"], include_in_schema=False)
        elif suffix in _MEDIA_TYPES:
            served = _served(file.read_bytes(), _MEDIA_TYPES[suffix])
            app.add_route(path, served, methods=["GET"], include_in_schema=False)


def _files_below(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        inner = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _files_below(entry, inner)
        else:
            yield inner, entry


async def _to_console(request: Request) -> Response:
    request_log_of(request.scope).quiet = True
    prefix = prefix_of(request.scope)
    # Where the prefix is not known, what is relative to / finds the page below any.
    return Response(status_code=307, headers={"Location": f"{prefix}{PATH}" if prefix else PATH.lstrip("/")})


def _served(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that serves one file, or says that the browser's copy of it is still right."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
        # Asked for again each time, so that page and modules are of one version after an upgrade.
        "Cache-Control": "no-cache",
        "ETag": tag,
    }

    async def serve(request: Request) -> Response:
        request_log_of(request.scope).quiet = True
        known = request.headers.get("If-None-Match", "")
        # A proxy that compresses makes a strong tag a weak one.
        if tag in {each.strip().removeprefix("W/") for each in known.split(",")}:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return serve
