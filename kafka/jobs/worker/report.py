"""What a dry run reports of the records that it has found."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kafka.jobs.progress import Report
from kafka.jobs.worker.targets import Targets
from kafka.model.copies import Copy
from kafka.model.records import Record


def report_of(before: Report | None, found: Collection[tuple[Record, Copy]], targets: Targets | None) -> Report:
    """Return the report with more records.

    Args:
        before: what was found before; None for nothing.
        found: records, and the copies that they would become.
        targets: of a job whose copies go elsewhere.
    """
    report = (before or Report()).with_records(_facts(found))
    if targets is None:
        return report
    report = report.with_targets(copy.topic for _, copy in found)
    return report.with_dialects(targets.dialect(record) for record, _ in found)


def _facts(found: Iterable[tuple[Record, Copy]]) -> Iterable[tuple[int, int, int, int]]:
    for record, copy in found:
        # A dead letter that points to a record is small; what is resent is not.
        size = len(copy.key or b"") + len(copy.value or b"")
        yield record.position.partition, record.position.offset, size, max(0, record.timestamp_ms)
