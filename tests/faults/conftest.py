"""Which fault tests run only with TEST_LONG_FAULTS, as `make test-faults` sets it."""

from __future__ import annotations

import os

# Whether a client loses all its brokers there is a matter of moments, and so is how long the recovery takes.
collect_ignore = [] if "TEST_LONG_FAULTS" in os.environ else ["test_no_brokers.py"]
