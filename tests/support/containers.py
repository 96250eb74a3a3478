"""Brokers in containers, by testcontainers."""

from __future__ import annotations

import os
import subprocess
import time
from functools import cache
from pathlib import Path

# Ryuk, which removes what a killed run leaves behind, is an image of its own that not every machine can pull; the
# fixtures remove their containers by themselves, also when a test fails. Read when testcontainers is imported.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

import pytest
from docker.errors import APIError
from testcontainers.core.container import DockerContainer

from tests.support.brokers import START_SECONDS, STARTED, VERSION, free_port, properties

_DATA = "/var/lib/kafka/data"
_FREEZE_SECONDS = 20.0


class ContainerBroker:
    """A ControlledBroker from the image apache/kafka."""

    def __init__(self, extra: dict[str, str], jvm: str) -> None:
        self.bootstrap = f"127.0.0.1:{free_port()}"
        config = properties(self.bootstrap, free_port()) | {"log.dirs": _DATA} | extra
        self._container = DockerContainer(f"apache/kafka:{VERSION}")
        # A network of its own would come and go with it, and whenever one does, Chromium gives up what it is loading
        # (ERR_NETWORK_CHANGED): the console's tests may run at the same time.
        self._container.with_kwargs(network_mode="host")
        for name, value in config.items():
            self._container.with_env(variable(name), value)
        self._container.with_env("KAFKA_HEAP_OPTS", jvm)
        self._container.with_env("KAFKA_JVM_PERFORMANCE_OPTS", "-Djava.awt.headless=true")
        self._created = False

    @property
    def data(self) -> Path:
        """Where it keeps its logs: a volume, on the machine of the engine."""
        mounts = self._container.get_wrapped_container().attrs["Mounts"]
        return Path(next(mount["Source"] for mount in mounts if mount["Destination"] == _DATA))

    def start(self) -> None:
        """Start it, for the first time or again; return when it answers."""
        begun = time.time()
        if self._created:
            self._container.get_wrapped_container().start()
        else:
            self._created = True
            have_image(self._container.image)
            self._container.start()
        # The lines as they come: to ask for all of them again and again costs more than a broker's start.
        follow = ["docker", "logs", "--follow", f"--since={begun:.6f}", self._container.get_wrapped_container().id]
        said: list[str] = []
        with subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as lines:
            try:
                for line in lines.stdout or ():
                    said.append(line)
                    if STARTED in line:
                        return
                    assert time.time() < begun + START_SECONDS, f"it did not start in time:\n{''.join(said[-30:])}"
            finally:
                lines.kill()
        raise AssertionError(f"the broker ended by itself:\n{''.join(said[-30:])}")

    def stop(self) -> None:
        """Stop it as an operator would."""
        self._container.get_wrapped_container().stop(timeout=30)

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        container = self._container.get_wrapped_container()
        container.kill()
        container.wait(timeout=30)

    def pause(self) -> None:
        """Let it hang."""
        deadline = time.monotonic() + _FREEZE_SECONDS
        while True:
            try:
                self._container.get_wrapped_container().pause()
            except APIError:
                # "unable to freeze": the kernel gives up when a busy machine leaves it no time.
                if time.monotonic() >= deadline:
                    raise
            else:
                return

    def resume(self) -> None:
        """Let it continue."""
        self._container.get_wrapped_container().unpause()

    def remove(self) -> None:
        """End it, and delete what it kept."""
        # The image declares volumes: they go with the container. Does nothing where it could not even be created.
        self._container.stop(force=True, delete_volume=True)


@cache
def have_image(image: str) -> None:
    """Pull the image unless it is here, or end the run with what else could be done."""
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0:
        return
    pulled = subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, check=False, text=True)
    if pulled.returncode != 0:
        pytest.exit(
            f"The image {image} is not here and cannot be pulled ({pulled.stderr.strip()}). "
            "Pull it, or let TEST_KAFKA_PROVIDER=jars run the tests on Java 17 with Maven.",
            returncode=4,
        )


def variable(name: str) -> str:
    """Return the environment variable that the image turns into this property."""
    return "KAFKA_" + name.replace("_", "__").replace("-", "___").replace(".", "_").upper()
