"""What the command line makes of answers that a healthy service rarely gives, and of options that make no sense."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import app

REPOSITORY = Path(__file__).parents[2]
TOKEN = "token-that-nobody-may-see"
ADDRESSED = ("--project", "project-1", "--instance", "prod")
RESEND = ("resend", "orders", "0", "4", *ADDRESSED)
READ = ("messages", "orders", *ADDRESSED)


class Answering:
    """A server that gives the same answer to every request.

    Attributes:
        status: of the answer; None closes the connection instead.
        body: of the answer.
        seen: the requests' lines and bodies.
        tokens: the requests' tokens.
        go_on: no answer is given while it is not set.
    """

    def __init__(self) -> None:
        self.status: int | None = 200
        self.body = b"{}"
        self.seen: list[tuple[str, bytes]] = []
        self.tokens: list[str | None] = []
        self.go_on = threading.Event()
        self.go_on.set()
        answering = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                answering.tokens.append(self.headers.get("X-Auth-Token"))
                answering.seen.append((self.requestline, self.rfile.read(length)))
                answering.go_on.wait(30)
                if answering.status is None:
                    self.close_connection = True
                    return
                self.send_response(answering.status)
                self.send_header("Content-Length", str(len(answering.body)))
                self.end_headers()
                with suppress(BrokenPipeError):
                    self.wfile.write(answering.body)

            do_POST = do_GET  # noqa: N815 - the library calls it

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library names it so
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def answering() -> Iterator[Answering]:
    """A server whose answer the test chooses."""
    made = Answering()
    serving = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    yield made
    made.server.shutdown()
    serving.join()
    made.server.server_close()


def run(*arguments: str, url: str | None, **environ: str) -> Result:
    """Run the command line in this process."""
    environment = {
        "KAFKA_RESEND_URL": url,
        "KAFKA_RESEND_TOKEN": None if url is None else TOKEN,
        "KAFKA_RESEND_PROJECT": None,
        "KAFKA_RESEND_INSTANCE": None,
        **environ,
    }
    return CliRunner().invoke(app, arguments, env=environment)


def refusal(code: str) -> bytes:
    return json.dumps({"error_code": code, "error_msg": "it is \x1b[31mso"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "resend_exits", "read_exits"),
    [
        (400, refusal("RESEND.00400105"), 1, 1),
        (403, refusal("RESEND.00403001"), 1, 1),
        (500, refusal("RESEND.00500001"), 4, 3),
        (503, refusal("RESEND.00503001"), 3, 3),
        (504, refusal("RESEND.00504001"), 3, 3),
        (504, refusal("RESEND.00504002"), 4, 3),
        (None, b"", 4, 3),
        (502, b"<html>bad gateway</html>", 4, 3),
        (503, b"<html>try later</html>", 4, 3),
        (408, b"", 4, 1),
        (301, b"", 1, 1),
        (404, b"<html>not found</html>", 1, 1),
        (200, b"<html>welcome</html>", 4, 1),
        (200, b"[]", 4, 1),
        (200, b'{"topic": "orders"}', 4, 1),
    ],
)
def test_exit_code_tells_whether_a_copy_may_have_been_written(
    answering: Answering, status: int | None, body: bytes, resend_exits: int, read_exits: int
) -> None:
    """1: no, fix it first; 3: no, again later; 4: not known. Reading writes nothing, so it never ends with 4."""
    answering.status, answering.body = status, body

    resent, read = run(*RESEND, url=answering.url), run(*READ, url=answering.url)

    assert (resend_exits, read_exits) == (resent.exit_code, read.exit_code), resent.stderr + read.stderr
    for done in (resent, read):
        assert "" == done.stdout
        assert 1 == len(done.stderr.splitlines()), done.stderr
        assert done.stderr.startswith("kafka-resend: ")
        assert "\x1b" not in done.stderr
        assert TOKEN not in done.stderr
    # Asked once each: a command repeats nothing by itself.
    assert ["POST", "GET"] == [line.split()[0] for line, _ in answering.seen]


def test_resend_whose_outcome_is_unknown_says_what_to_look_at(answering: Answering) -> None:
    """The words name the doubt, where to look, and the id of the request in the service's log."""
    answering.status = None

    done = run(*RESEND, url=answering.url)

    assert "whether a copy was written is not known: look at the end of the partition" in done.stderr


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ((), {"topic": "orders", "partition": 0, "message_offset": 4}),
        (
            ("--consumer-key", "billing"),
            {"topic": "orders", "partition": 0, "message_offset": 4, "consumer_key": "billing"},
        ),
        (("--consumer-key", ""), {"topic": "orders", "partition": 0, "message_offset": 4, "consumer_key": ""}),
    ],
    ids=["none", "a name", "empty"],
)
def test_resend_sends_the_consumer_key_as_it_was_given(
    answering: Answering, options: tuple[str, ...], body: dict[str, object]
) -> None:
    """An empty one, as from a variable that is not set, is sent and refused: it must not mean everybody."""
    answering.status, answering.body = 400, refusal("RESEND.00400021")

    run(*RESEND, *options, url=answering.url)

    line, sent = answering.seen[0]
    assert "POST /v2/project-1/mqs/instances/prod/messages/action?action_id=resend HTTP/1.1" == line
    assert body == json.loads(sent)


def test_connection_refused_exits_with_3_and_names_the_address(answering: Answering) -> None:
    """Nothing was sent, so nothing was written."""
    answering.server.socket.close()

    done = run(*RESEND, url=answering.url)

    assert 3 == done.exit_code
    assert answering.url in done.stderr
    assert "nothing was written" in done.stderr


@pytest.mark.parametrize(
    ("instances", "words"),
    [
        ([], "project shop has no instance that this caller may use"),
        (["prod-a", "prod-\x1b[31m"], r"name one with --instance: prod-a, prod-\x1b[31m"),
    ],
    ids=["none", "two"],
)
def test_instance_that_is_not_the_only_one_has_to_be_named(
    answering: Answering, instances: list[str], words: str
) -> None:
    """The words list what there is."""
    answering.body = json.dumps(
        {"name": "ci", "project": "shop", "instances": [{"instance_id": name} for name in instances]}
    ).encode()

    done = run("topics", url=answering.url)

    assert 1 == done.exit_code
    assert words in done.stderr
    assert ["GET /v2/caller HTTP/1.1"] == [line for line, _ in answering.seen]


def test_ids_are_sent_as_parts_of_the_path(answering: Answering) -> None:
    """Whatever a project or an instance is called, it is one part of the address."""
    run("topics", "--project", "a/b?c", "--instance", "ü #", url=answering.url)

    assert "GET /v2/a%2Fb%3Fc/mqs/instances/%C3%BC%20%23/topics?" in answering.seen[0][0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("messages", "orders", "--offset", "4"), "--partition"),
        (("messages", "orders", "--start-offset", "4"), "--partition"),
        (("messages", "orders", "--partition", "0", "--offset", "4", "--start-offset", "4"), "--start-offset"),
        (("messages", "orders", "--partition", "0", "--offset", "4", "--since", "10m"), "time or by offset"),
        (("messages", "orders", "--partition", "0", "--offset", "4", "--key", "a"), "no other choice"),
        (("messages", "orders", "--partition", "0", "--offset", "4", "--all"), "no other choice"),
        (("messages", "orders", "--include-resent"), "without a filter"),
        (("messages", "orders", "--limit", "0"), "--limit"),
        (("messages", "orders", "--since", "soon"), "--since"),
        (("messages", "orders", "--key", "\udcff"), "not UTF-8"),
        (("resend", "orders", "zero", "4"), "PARTITION"),
        (("resend", "orders", "0"), "OFFSET"),
        (("tail",), "TOPIC"),
        (("topics", "--url", "resend.example.org"), "--url"),
        (("topics", "--url", "http://user:secret@127.0.0.1"), "--url"),
        (("topics", "--token", "tökén-secret"), "token"),
        (("topics", "--token-file", "/does/not/exist"), "--token-file"),
    ],
)
def test_options_that_make_no_sense_exit_with_2_and_send_nothing(
    answering: Answering, arguments: tuple[str, ...], words: str
) -> None:
    """Each is told by name, before anything is asked, and no secret is repeated."""
    done = run(*arguments, url=answering.url)

    assert 2 == done.exit_code
    assert words in " ".join(done.stderr.split())
    assert "secret" not in done.stderr
    assert [] == answering.seen


def test_token_without_a_url_is_refused() -> None:
    """A token that would not be used is a mistake: without a URL the command would do all that it likes."""
    done = run("topics", url=None, KAFKA_RESEND_TOKEN=TOKEN)

    assert 2 == done.exit_code
    assert "KAFKA_RESEND_URL" in done.stderr
    assert TOKEN not in done.stderr


def test_token_file_is_read_without_its_line_end(answering: Answering, tmp_path: Path) -> None:
    """The file that `echo` or an editor makes does; it goes before the variable."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    run("topics", "--token-file", str(file), *ADDRESSED, url=answering.url, KAFKA_RESEND_TOKEN="other")

    assert [TOKEN] == answering.tokens


def test_line_that_says_what_is_going_on_leaves_the_output_alone(answering: Answering) -> None:
    """After a second the terminal says that the search continues; what is found goes to the file, to the byte."""
    answering.go_on.clear()
    answering.body = (
        b'{"messages": [{"message_id": "0-4"}], "cursor": null, "scan": {"records": 1, "stopped_by": null, '
        b'"counts": {"scanned": 1, "matched": 1}, "left": 0, "reached_time": null, "hint": null}}'
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "service", *READ],
        cwd=REPOSITORY,
        env={**os.environ, "KAFKA_RESEND_URL": answering.url, "KAFKA_RESEND_TOKEN": TOKEN, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while b"searching" not in shown:
        shown += os.read(ours, 65536)
    answering.go_on.set()
    printed, _ = process.communicate(timeout=60)
    os.close(ours)

    assert (0, b'{"message_id": "0-4"}\n') == (process.returncode, printed)
