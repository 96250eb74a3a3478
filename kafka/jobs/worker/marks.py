"""Marks a job's copies with what they are copies of, and stops those that came back too often.

NothingWritten
└── ResentTooOften    jobs have resent the record as often as is allowed
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kafka.jobs.plan import Plan
from kafka.jobs.progress import now_ms
from kafka.model.copies import Copy
from kafka.model.errors import NothingWritten
from kafka.model.policy import ResendPolicy
from kafka.model.provenance import resend_count, with_provenance
from kafka.model.records import Record


@dataclass(eq=False)
class ResentTooOften(NothingWritten):
    """Jobs have resent the record as often as is allowed: it comes back again and again."""

    count: int
    limit: int

    def __str__(self) -> str:
        return f"jobs have resent it {self.count} times already, and max_resends is {self.limit}"


class CopyMarker:
    """Marks the copies of one job, if it is to.

    Args:
        plan: the job.
        policy: what the operator allows.
    """

    def __init__(self, plan: Plan, policy: ResendPolicy) -> None:
        limits = [limit for limit in (plan.max_resends, policy.max_resends) if limit is not None]
        self._limit = min(limits, default=None)
        self._job_id = plan.job_id if plan.provenance else None

    def marked(self, copy: Copy, record: Record) -> Copy:
        """Return the copy with where it comes from, or as it is.

        Args:
            copy: is to be written.
            record: the one that was copied.

        Raises:
            ResentTooOften: it must not be resent again.
        """
        if self._limit is None and self._job_id is None:
            return copy
        count = resend_count(record.headers)
        if self._limit is not None and count >= self._limit:
            raise ResentTooOften(count, self._limit)
        if self._job_id is None:
            return copy
        headers = with_provenance(copy.headers, record.position, count + 1, self._job_id, now_ms())
        return replace(copy, headers=headers)
