"""Configured secrets stay out of the log and of answers, also where somebody else's words repeat them."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import quote_plus

import pytest
import structlog

from kafka.checks.diagnose import diagnose
from kafka.client.config import ClusterConfig
from kafka.client.secrets import secrets_of
from service.logs import configure_logs
from service.settings.model import load_settings
from service.settings.sections import LogSettings
from tests.support.worker import OpenCluster, eventually

CLIENT_SECRET = "s3cr3t/+&of the client"


class _TokenEndpoint(BaseHTTPRequestHandler):
    """Refuses every client, and says what it was sent."""

    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        said = {"error": "invalid_client", "error_description": f"{CLIENT_SECRET}; {self.headers}; {sent}"}
        body = json.dumps(said).encode()
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class calls it so
        """Log nothing."""


@pytest.fixture
def token_endpoint() -> Iterator[str]:
    """The address of a token endpoint that echoes what is secret."""
    server = HTTPServer(("127.0.0.1", 0), _TokenEndpoint)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    server.server_close()


@pytest.fixture
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_logs_as_before")
async def test_token_endpoint_that_echoes_the_secret_gets_it_nowhere(
    open_cluster: OpenCluster, token_endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The library passes on what the endpoint says: the log and `check` have it without the secret in any form."""
    properties = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": token_endpoint,
        "sasl.oauthbearer.client.id": "resend",
        "sasl.oauthbearer.client.secret": CLIENT_SECRET,
    }
    load_settings(
        {
            "RESEND_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "RESEND_KAFKA__PROPERTIES": json.dumps(properties),
            "RESEND_AUTH__ALLOW_ANONYMOUS": "true",
        }
    )
    configure_logs(LogSettings())
    await open_cluster(bootstrap="127.0.0.1:1", properties=properties)
    logged = ""

    async def refusal_is_logged() -> bool:
        nonlocal logged
        logged += capsys.readouterr().err
        return "invalid_client" in logged

    await eventually(refusal_is_logged, seconds=60)
    found = repr(diagnose(ClusterConfig("tested", ("127.0.0.1:1",), properties), timeout_seconds=10))
    assert "***" in logged
    basic = base64.b64encode(f"resend:{CLIENT_SECRET}".encode()).decode()
    for text in (logged, found):
        assert CLIENT_SECRET not in text
        assert quote_plus(CLIENT_SECRET) not in text
        assert basic not in text


@pytest.mark.parametrize(
    ("properties", "text", "masked"),
    [
        ({"sasl.password": "hunter2"}, "xhunter2x hunter2", "x***x ***"),
        ({"sasl.password": 'a"b\\c'}, r'{"sent": "a\"b\\c"}', '{"sent": "***"}'),
        ({"sasl.password": "a"}, "a password, a", "*** password, ***"),
        ({"ssl.key.pem": "-----BEGIN K-----\nMIIEvQIBADANBgkqhkiG\n-----END K-----"}, "MIIEvQIBADANBgkqhkiG", "***"),
        ({"sasl.oauthbearer.config": "principal=me scope=x secret=hunter2"}, "of hunter2", "of ***"),
        (
            {"sasl.oauthbearer.token.endpoint.url": "https://me:hunter2@idp/token"},
            "https://idp hunter2",
            "https://idp ***",
        ),
        ({"ssl.key.location": "/etc/key.pem", "sasl.username": "me"}, "/etc/key.pem of me", "/etc/key.pem of me"),
    ],
)
def test_secret_is_masked_in_each_of_its_forms(properties: dict[str, str], text: str, masked: str) -> None:
    """What is secret is hidden, as it is and as it travels; what is not can still be read."""
    assert masked == secrets_of(ClusterConfig("tested", ("a:1",), properties)).mask(text)
