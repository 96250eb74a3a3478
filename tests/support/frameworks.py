"""Java programs that let a framework write dead letters, built by Maven: see tests/frameworks/pom.xml."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.brokers import java_version

_REPOSITORY = Path(__file__).parents[2]
_BUILT = _REPOSITORY / "build" / "frameworks"
_END_SECONDS = 30.0


def build() -> None:
    """Build the programs, or end the run with what to install."""
    if java_version() < 17 or not (shutil.which("javac") and shutil.which("mvn")):
        pytest.exit(
            "The tests of frameworks need Java 17 with its compiler, and Maven "
            "(Debian: openjdk-17-jdk-headless, maven).",
            returncode=4,
        )
    pom = _REPOSITORY / "tests" / "frameworks" / "pom.xml"
    command = ["mvn", "-q", "-B", f"--file={pom}", f"-Dbuild.folder={_BUILT}", "process-classes"]
    subprocess.run(command, check=True)


class Program:
    """A program that runs until the block ends; it fails where it cannot end by itself.

    Args:
        module: of the Maven project.
        name: of the class with its main function.
        log: a file for what it prints; what it keeps meanwhile is beside it.
        properties: its system properties.
    """

    def __init__(self, module: str, name: str, log: Path, **properties: str) -> None:
        folder = _BUILT / module
        jars = (folder / "classpath").read_text("utf-8").strip()
        options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={log.parent}"]
        options += [f"-D{key}={value}" for key, value in properties.items()]
        self._command = ["java", *options, "-cp", f"{folder / 'classes'}:{jars}", f"letters.{name}"]
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # The program ends when its standard input does, and so does one whose test was killed.
            self._process.communicate(timeout=_END_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
        assert error is not None or self._process.returncode == 0, self._end_of_log()

    def check(self) -> None:
        """Fail if it has ended."""
        assert self._process.poll() is None, self._end_of_log()

    def _end_of_log(self) -> str:
        return (
            f"the program has ended with {self._process.returncode}:\n{self._log.read_text(errors='replace')[-5000:]}"
        )
