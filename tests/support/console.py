"""Fixtures that open the console in a real browser, on the real service."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from tests.support.brokers import Broker, free_port

REPOSITORY = Path(__file__).parents[2]
TOKEN = "console-token"
READER_TOKEN = "reader-token"
INSTANCE = "default"

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

_START_SECONDS = 60.0
# Long enough for a machine whose processors are busy with other things; what comes earlier is not waited for.
_PATIENCE_MS = 30_000
_EVERYTHING = {"projects": ["*"], "instances": ["*"], "topics": ["*"]}

ServeConsole = Callable[[list[str], dict[str, str]], str]


@dataclass
class Console:
    """The console in a tab of its own, and what the tab complained about.

    Attributes:
        page: the tab.
        address: of the service.
        complaints: errors of scripts, violations of the page's policy, dialogs that scripts opened.
    """

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def open(self, place: str = "") -> None:
        """Go to the console, at a place in it."""
        self.page.goto(f"{self.address}/console{place}")

    def sign_in(self, token: str = TOKEN) -> None:
        """Type a token and wait for what it opens."""
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_label("Project")).to_be_visible()

    def show(self, topic: str, more: str = "") -> None:
        """Sign in and go straight to a topic; return when its records are listed."""
        self.open(f"#instance={INSTANCE}&topic={topic}{more}")
        self.sign_in()
        self.listed()

    def listed(self) -> None:
        """Wait until the records asked for are there."""
        expect(self.page.locator("#count")).to_contain_text("record")

    def row(self, partition: int, offset: int) -> Locator:
        """Return the row of a record."""
        return self.page.locator("#rows tr").filter(has=self.opener(partition, offset))

    def opener(self, partition: int, offset: int) -> Locator:
        """Return the button that opens a record."""
        return self.page.get_by_role("button", name=f"Open partition {partition} offset {offset}", exact=True)

    def open_record(self, partition: int, offset: int) -> None:
        """Open a record that the table shows, and wait for its content."""
        self.opener(partition, offset).click()
        self.opened(partition, offset)

    def opened(self, partition: int, offset: int) -> None:
        """Wait until a record's content is there."""
        expect(self.page.locator(f'[data-record="{partition}-{offset}"]')).to_be_visible()


def chromium() -> str:
    """Return where Chromium is, or fail with what to install."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.fail("the console is tested in a real browser, and there is none: apt install chromium", pytrace=False)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. For one module only: as long as it runs, its loop is in the way of tests that have one themselves."""
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        # Tests may run as root, in containers with little shared memory.
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeConsole]:
    """A function that starts a command of kafka-resend on a free port, and returns its address once it answers."""
    started: list[subprocess.Popen[bytes]] = []

    def start(arguments: list[str], variables: dict[str, str]) -> str:
        port = free_port()
        log = tmp_path_factory.mktemp("service") / "service.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RESEND_")}
        # Nobody reads a pipe while the browser works.
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "service", *arguments, "--port", str(port)],
                cwd=REPOSITORY,
                env=clean | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(process)
        address = f"http://127.0.0.1:{port}"
        _wait_until_ready(address, process, log)
        return address

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=60)


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            instances = httpx.get(f"{address}/readyz").json()["instances"]
        except httpx.TransportError:
            instances = {}
        if instances and all(instance["state"] == "ready" for instance in instances.values()):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the service did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)


@pytest.fixture(scope="module")
def service(broker: Broker, start_service: ServeConsole, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a service with a caller who may do everything and one who may read.

    It has the tests' broker twice: as the instance `default`, and as `read-only`, where nothing is resent.
    """
    folder = tmp_path_factory.mktemp("settings")
    callers = folder / "callers.toml"
    callers.write_text(
        caller_entry("everyone", TOKEN, ["*"]) + caller_entry("reader", READER_TOKEN, ["read"]), encoding="utf-8"
    )
    settings = folder / "resend.toml"
    servers = f"bootstrap_servers = [{json.dumps(broker.bootstrap)}]"
    settings.write_text(
        f"""
        auth.callers_file = "callers.toml"
        query.max_value_bytes = 65536
        [instances.default]
        {servers}
        [instances.read-only]
        {servers}
        policy.read_only = true
        """,
        encoding="utf-8",
    )
    return start_service(["serve"], {"RESEND_CONFIG": str(settings)})


def caller_entry(name: str, token: str, actions: list[str]) -> str:
    """Return a caller of every project, instance and topic, as a file of callers has it."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    fields = {"name": name, "token_sha256": digest, **_EVERYTHING, "actions": actions}
    return "[[callers]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items())


@pytest.fixture
def open_console(browser: Browser) -> Iterator[Callable[..., Console]]:
    """A function that opens the console of a service; the test fails if a script failed or was kept from running."""
    with contexts(browser) as opened:
        yield opened


@contextmanager
def contexts(browser: Browser) -> Iterator[Callable[..., Console]]:
    """Open consoles, each in a browser profile of its own, and look at the end at what they complained about."""
    consoles: list[Console] = []
    profiles: list[BrowserContext] = []

    def start(address: str, **options: Any) -> Console:
        # In the middle of a transition of colours axe finds a contrast that no reader ever sees.
        usual = {"viewport": DESKTOP, "timezone_id": "Asia/Kolkata", "reduced_motion": "reduce"}
        profile = browser.new_context(**(usual | options))
        profiles.append(profile)
        profile.set_default_timeout(_PATIENCE_MS)
        console = Console(profile.new_page(), address)
        consoles.append(console)
        watch(console)
        return console

    try:
        yield start
        for console in consoles:
            assert console.complaints == []
    finally:
        for profile in profiles:
            profile.close()


def watch(console: Console) -> None:
    """Note all that a script does wrong, or that the page's policy keeps it from doing."""

    def dialog_opened(dialog: Dialog) -> None:
        console.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def said(message: ConsoleMessage) -> None:
        # The browser says so of every answer that is an error; the page shows those itself.
        if "Failed to load resource" not in message.text:
            console.complaints.append(f"{message.type}: {message.text}")

    console.page.on("dialog", dialog_opened)
    console.page.on("console", said)
    console.page.on("pageerror", lambda error: console.complaints.append(f"error: {error}"))


@pytest.fixture
def console(open_console: Callable[..., Console], service: str) -> Console:
    """The console of the service, in a window of a usual size."""
    return open_console(service)
