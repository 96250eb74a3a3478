"""The tests of frameworks run only with TEST_FRAMEWORKS, as `make test-frameworks` sets it."""

from __future__ import annotations

import os

# They need Java and Maven, where all others need no more than a Docker engine.
collect_ignore = [] if "TEST_FRAMEWORKS" in os.environ else ["test_frameworks.py"]
