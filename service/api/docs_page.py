"""/openapi.json and /docs: the OpenAPI document, and the page that shows it. Nothing is loaded from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from service.api.documentation import TITLE, openapi_document

_ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def add_documentation(app: FastAPI) -> None:
    """Serve /openapi.json and /docs, everything they need included."""

    async def openapi(request: Request) -> Response:
        del request
        return Response(rendered(), media_type="application/json")

    @cache
    def rendered() -> bytes:
        return json.dumps(openapi_document(app)).encode()

    app.add_route("/openapi.json", openapi, methods=["GET"], include_in_schema=False)
    app.add_route("/docs", _page, methods=["GET"], include_in_schema=False)
    for name in _ASSETS:
        app.add_route(f"/docs/{name}", _asset(name), methods=["GET"], include_in_schema=False)


def _page(request: Request) -> Response:
    """Return the page that shows the OpenAPI document and lets it be tried out."""
    del request
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=TITLE,
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="data:,",
        # Or the page would ask a validator elsewhere about the document.
        swagger_ui_parameters={"validatorUrl": None},
    )
    return HTMLResponse(page.body, headers={"Content-Security-Policy": _DOCS_POLICY})


def _asset(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that serves one file of Swagger UI, out of the package fastapi-offline."""
    content = (files("fastapi_offline") / "static" / name).read_bytes()
    media_type = _ASSETS[name]

    async def serve(request: Request) -> Response:
        del request
        return Response(content, media_type=media_type)

    return serve
