"""Brokers from the official jars, collected by Maven, on a local Java."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

from tests.support.brokers import START_SECONDS, STARTED, VERSION, free_port, properties

_POM = Path(__file__).with_name("kafka-jars.pom.xml")
# The version of log4j that Kafka is built with; without its binding the broker logs nothing, not even that it is ready.
_LOG4J = {"4.1": "2.25.3"}.get(VERSION.rpartition(".")[0], "2.25.4")
_CLUSTER_ID = "kafka-resend-tests-123"


class JarBroker:
    """A ControlledBroker as a child process."""

    def __init__(self, extra: dict[str, str], jvm: str) -> None:
        self._jvm = jvm.split()
        self.bootstrap = f"127.0.0.1:{free_port()}"
        self._folder = Path(tempfile.mkdtemp(prefix="kafka-resend-broker-"))
        config = properties(self.bootstrap, free_port()) | {"log.dirs": str(self.data)} | extra
        self._config = self._folder / "server.properties"
        self._config.write_text("".join(f"{name}={value}\n" for name, value in config.items()))
        self._log = self._folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, for the first time or again; return when it answers."""
        if self._process is None:
            format_storage = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._config)]
            subprocess.run(self._java(*format_storage), check=True, capture_output=True)
        with self._log.open("wb") as log:
            self._process = process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._config)), stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while STARTED not in (said := self._log.read_text(errors="replace")):
            assert process.poll() is None, f"the broker ended by itself:\n{said[-3000:]}"
            assert time.monotonic() < deadline, f"the broker did not start in time:\n{said[-3000:]}"
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it as an operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it hang."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it continue."""
        self._signal(signal.SIGCONT)

    @property
    def data(self) -> Path:
        """Where it keeps its logs."""
        return self._folder / "data"

    def remove(self) -> None:
        """End it, and delete what it kept."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder)

    def _java(self, *arguments: str) -> list[str]:
        java = shutil.which("java")
        assert java is not None
        # Without a configuration log4j logs errors only, and the line that says it has started is none.
        return [java, *self._jvm, "-Dorg.apache.logging.log4j.level=INFO", "-cp", f"{jars()}/*", *arguments]

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        self._signal(number)
        assert self._process is not None
        self._process.wait(timeout=60)


@cache
def jars() -> Path:
    """Return the folder of the broker's jars; collect them if this is the first time."""
    folder = Path(os.environ.get("TEST_KAFKA_JARS", Path.home() / ".cache" / "kafka-resend-tests")) / VERSION
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{VERSION}.lock").open("w") as lock:
        # Another run may be collecting them.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=folder.parent) as collecting:
                pom = shutil.copy(_POM, Path(collecting) / "pom.xml")
                libs = Path(collecting) / "libs"
                subprocess.run(
                    [
                        "mvn",
                        "-q",
                        "-B",
                        f"--file={pom}",
                        f"-Dkafka.version={VERSION}",
                        f"-Dlog4j.version={_LOG4J}",
                        "dependency:copy-dependencies",
                        "-DincludeScope=runtime",
                        f"-DoutputDirectory={libs}",
                    ],
                    check=True,
                )
                libs.rename(folder)
    return folder
