"""A job: the pure fold of its records in the store.

<id>/request   the plan, by the process that accepted the job
<id>/plan      the same plan as its owner adopted it: from then on another request changes nothing
<id>/state     progress and outcome, by the owner, in the transaction that holds the copies it counts
<id>/cancel    by the process that was asked to cancel it
<id>/pause     by the process that was asked to; says whether to pause or to resume
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from kafka.jobs.plan import Plan, decode_plan, readable_part
from kafka.jobs.progress import FINAL, NOT_BEGUN, Progress, State, decode_progress, ended_part
from kafka.jobs.stored import UnsupportedFormat

KINDS = ("request", "plan", "state", "cancel", "pause")
"""All kinds of a job's records."""


OWNERS_KINDS = frozenset({"plan", "state"})
"""The kinds of a job's records that only its owner writes."""


class Job(Struct, frozen=True):
    """A job as its records in the store tell it.

    Attributes:
        job_id: its id.
        plan: as adopted, or as first requested; None while neither was seen, or neither could be understood.
        unread_plan: what can be read of a plan that is not understood, see readable_part.
        adopted: whether its owner has adopted the plan.
        progress: what the owner has committed.
        cancel_requested: it is to be cancelled.
        pause_requested: it is to wait.
        decode_errors: by kind of record, why the last one of that kind is not understood.
    """

    job_id: str
    plan: Plan | None = None
    unread_plan: Plan | None = None
    adopted: bool = False
    progress: Progress = NOT_BEGUN
    cancel_requested: bool = False
    pause_requested: bool = False
    decode_errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> Plan | None:
        """The plan, or what can be read of it; None where there is none, as of a job that is being removed."""
        return self.plan or self.unread_plan

    @property
    def unsupported_reason(self) -> str | None:
        """Why this version must leave it alone."""
        return self.decode_errors[min(self.decode_errors)] if self.decode_errors else None

    @property
    def state(self) -> State:
        """What a user is told."""
        state = self.progress.state
        # Also while it is being cancelled: it does nothing more.
        if state in {"pending", "running"} and self.pause_requested:
            return "paused"
        return state

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.progress.state in FINAL

    @property
    def runnable(self) -> bool:
        """Whether its owner has something to do for it."""
        if self.over or self.summary is None:
            return False
        # Ending a job takes no understanding of it.
        return self.cancel_requested or (self.unsupported_reason is None and not self.pause_requested)


def split_key(key: bytes | None) -> tuple[str, str]:
    """Return the job's id and the kind of a record of the store; two empty strings for a key that is none of ours."""
    try:
        job_id, _, kind = (key or b"").decode("ascii").partition("/")
    except UnicodeDecodeError:
        return "", ""
    return job_id, kind


def fold(job: Job | None, job_id: str, kind: str, value: bytes | None) -> Job | None:
    """Return the job after one more of its records; None once its records are removed.

    Args:
        job: what the records before said; None for the first one.
        job_id: whose record it is.
        kind: request, plan, state, cancel or pause.
        value: what it says; None removes the job.
    """
    if value is None:
        # All keys of a job are removed in one transaction; the first of these tells.
        return None
    job = job or Job(job_id)
    if kind == "request" and (job.adopted or job.plan is not None or "request" in job.decode_errors):
        # The first one counts until the owner has adopted it; then nothing but what was adopted.
        return job
    # The last record of a kind replaces all that those before it said: compaction may have removed them.
    replaced = {"request", "plan"} if kind == "plan" else {kind}
    job = replace(
        job, decode_errors={other: reason for other, reason in job.decode_errors.items() if other not in replaced}
    )
    if kind == "plan":
        job = replace(job, adopted=True, plan=None, unread_plan=None)
    try:
        return _with_record(job, kind, value)
    except UnsupportedFormat as error:
        job = replace(job, decode_errors={**job.decode_errors, kind: str(error)})
        if kind in {"request", "plan"}:
            return replace(job, unread_plan=readable_part(job_id, value))
        return replace(job, progress=ended_part(value)) if kind == "state" else job


def _with_record(job: Job, kind: str, value: bytes) -> Job:
    if kind in {"request", "plan"}:
        return replace(job, plan=_plan_of(job.job_id, value))
    if kind == "state":
        return replace(job, progress=decode_progress(value))
    if kind == "cancel":
        return replace(job, cancel_requested=True)
    if kind == "pause":
        return replace(job, pause_requested=value == b"true")
    raise UnsupportedFormat(f"it has an unknown record {kind!r}")


def _plan_of(job_id: str, value: bytes) -> Plan:
    plan = decode_plan(value)
    if plan.job_id != job_id:
        raise UnsupportedFormat("it is the plan of another job")
    return plan
