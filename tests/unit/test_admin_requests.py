"""Requests of an AdminClient to the coordinator of a group or of a transaction can end the process.

librdkafka aborts (`Assertion 'eonce->refcnt > 0' failed`) when the connection breaks at the wrong moment: its issues
4605 and 3663. A process that serves, or that owns transactions, must not send one.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from confluent_kafka.admin import AdminClient

REPOSITORY = Path(__file__).parents[2]
TO_A_COORDINATOR = frozenset(
    {
        "describe_consumer_groups",
        "delete_consumer_groups",
        "list_consumer_group_offsets",
        "alter_consumer_group_offsets",
        "delete_consumer_group_offsets",
        "describe_transactions",
    }
)
ALLOWED = {"kafka/checks/jobs.py"}
"""Part of `kafka-resend check` alone, a process that serves nobody."""
OF_THE_CLUSTER = "describe_cluster"
"""Ends the process where the metadata names no broker (`Assertion 'rko_result' failed`, librdkafka 2.16.0)."""


def test_only_check_sends_admin_requests_to_coordinators() -> None:
    """No other module names one of these calls."""
    assert TO_A_COORDINATOR & set(dir(AdminClient)) >= {"describe_consumer_groups", "list_consumer_group_offsets"}
    found = {
        path.relative_to(REPOSITORY).as_posix()
        for package in ("kafka", "service")
        for path in (REPOSITORY / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute) and node.attr in TO_A_COORDINATOR
    }
    assert found == ALLOWED


def test_nothing_describes_the_cluster() -> None:
    """Not even `check`: tests/faults/test_fenced_broker.py met it once in ten runs."""
    assert hasattr(AdminClient, OF_THE_CLUSTER)
    modules = [path for package in ("kafka", "service") for path in (REPOSITORY / package).rglob("*.py")]
    assert [] == [path.name for path in modules if OF_THE_CLUSTER in path.read_text("utf-8")]


def test_processes_that_serve_or_run_jobs_do_not_load_them() -> None:
    """Nothing that the service or the worker imports can send one."""
    modules = "service.app, service.cli.serve, service.cli.worker, kafka.cluster, kafka.jobs.worker.group"
    script = (
        f"import sys, {modules}; print(*sorted(set(sys.modules) & {{'kafka.checks.jobs', 'kafka.checks.diagnose'}}))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
