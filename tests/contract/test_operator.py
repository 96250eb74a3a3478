"""An application that is opened for one command: it knows one caller, whatever its settings say."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from service.app import create_app
from service.auth import operator_authenticator
from service.settings.model import Settings, load_settings

KAFKA = {"RESEND_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
OPEN = load_settings({**KAFKA, "RESEND_AUTH__ALLOW_ANONYMOUS": "true"})
DIGEST = hashlib.sha256(b"configured").hexdigest()
CLOSED = load_settings({**KAFKA, "RESEND_AUTH__TOKEN_DIGEST": DIGEST})


@pytest.mark.parametrize("settings", [OPEN, CLOSED], ids=["open", "closed"])
@pytest.mark.parametrize(
    ("token", "status"), [("of-the-operator", 200), ("configured", 403), ("anything", 403), ("", 403), (None, 403)]
)
async def test_operator_is_the_only_caller_also_where_settings_know_others(
    settings: Settings, token: str | None, status: int
) -> None:
    """Only the token made for it is taken; open access and the settings' own callers are none of this application's."""
    app = create_app(settings, only=operator_authenticator("of-the-operator"))
    transport = httpx.ASGITransport(app)
    headers = {} if token is None else {"X-Auth-Token": token}

    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/v2/caller", headers=headers)

    assert status == answer.status_code
    assert ("operator" if status == 200 else None) == answer.json().get("name")
