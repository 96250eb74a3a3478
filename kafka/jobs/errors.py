"""What can be wrong with a job, beside what can be wrong with a single resend.

NothingWritten
└── JobRefused
    ├── JobsNotHere            the embedded broker has no transactions
    ├── StoreUnusable          jobs cannot be kept; says what to do
    ├── SelectionEmpty         no offset is selected
    ├── SelectionTooLarge      more offsets than a job may select
    ├── JobOverlaps            another job has resent some of the records for the same recipient
    ├── JobMissing             no job has this id
    ├── JobOver                it has ended, and cannot be paused or resumed
    ├── NoFailures             it lists no failure that another job could resend
    ├── JobUnreadable          its plan cannot be read by this version
    └── KeyRefused             a request with an Idempotency-Key
        ├── KeysNotHere        the embedded broker has no transactions
        ├── KeyReused          the key came with another request before
        └── NoWorker           no worker is there to carry it out

ResendError
├── JobOutcomeUnknown          what was asked of a job may or may not have been accepted
└── KeyOutcomeUnknown          the same of a request with an Idempotency-Key, which may be sent again
"""

from __future__ import annotations

from dataclasses import dataclass

from kafka.model.errors import ClusterUnavailable, NothingWritten, ResendError


class JobRefused(NothingWritten):
    """A job, or something asked of one, is refused."""


@dataclass(eq=False)
class JobsNotHere(JobRefused):
    """The embedded broker cannot run jobs: it has no isolation of transactions."""

    def __str__(self) -> str:
        return "the embedded broker has no transactions, which jobs need"


@dataclass(eq=False)
class StoreUnusable(JobRefused, ClusterUnavailable):
    """The topic that keeps jobs is missing or unfit, or refuses a record.

    Attributes:
        reason: what is wrong with it, and the command that fixes it.
    """

    reason: str

    def __str__(self) -> str:
        return f"jobs cannot be kept: {self.reason}"


@dataclass(eq=False)
class SelectionEmpty(JobRefused):
    """No offset is selected."""

    topic: str

    def __str__(self) -> str:
        return f"the selection in topic {self.topic!r} is empty"


@dataclass(eq=False)
class SelectionTooLarge(JobRefused):
    """More offsets are selected than a job may have."""

    offsets: int
    limit: int

    def __str__(self) -> str:
        return f"{self.offsets} offsets are selected, and a job may have {self.limit}"


@dataclass(eq=False)
class JobOverlaps(JobRefused):
    """Another job has resent records of the selection for the same recipient, or is about to.

    Attributes:
        job_id: of the other job.
        state: of the other job.
    """

    job_id: str
    state: str

    def __str__(self) -> str:
        done = "has resent" if self.state in {"succeeded", "failed", "cancelled"} else "is to resend"
        return f"job {self.job_id!r} ({self.state}) {done} records of this selection for the same recipient"


@dataclass(eq=False)
class JobMissing(JobRefused):
    """No job has this id; finished ones are removed after a while."""

    job_id: str

    def __str__(self) -> str:
        return f"there is no job {self.job_id!r}"


@dataclass(eq=False)
class JobOver(JobRefused):
    """It has ended."""

    job_id: str
    state: str

    def __str__(self) -> str:
        return f"job {self.job_id!r} has ended: {self.state}"


@dataclass(eq=False)
class NoFailures(JobRefused):
    """The job lists no failures."""

    job_id: str

    def __str__(self) -> str:
        return f"job {self.job_id!r} has no failures to resend"


@dataclass(eq=False)
class JobUnreadable(JobRefused):
    """The plan of the job cannot be read by this version, so nothing can be made of it.

    Attributes:
        reason: what is wrong with it.
    """

    job_id: str
    reason: str

    def __str__(self) -> str:
        return f"the plan of job {self.job_id!r} cannot be read: {self.reason}"


class KeyRefused(JobRefused):
    """A request with an Idempotency-Key is refused."""


@dataclass(eq=False)
class KeysNotHere(KeyRefused):
    """The embedded broker cannot keep a key together with what was done: it has no isolation of transactions."""

    def __str__(self) -> str:
        return "the embedded broker has no transactions, which Idempotency-Key needs"


@dataclass(eq=False)
class KeyReused(KeyRefused):
    """Another request has come with this key before."""

    def __str__(self) -> str:
        return "this Idempotency-Key came with another request before"


@dataclass(eq=False)
class NoWorker(KeyRefused, ClusterUnavailable):
    """No worker owns the partition of the store that keeps what comes with this key.

    Attributes:
        group: the workers' consumer group.
        problem: why a worker cannot, in its own words; None where no worker has said anything lately.
    """

    group: str
    problem: str | None = None

    def __str__(self) -> str:
        reason = f"consumer group {self.group!r}" if self.problem is None else self.problem
        return f"no worker can carry out a request with an Idempotency-Key ({reason})"


@dataclass(eq=False)
class JobOutcomeUnknown(ResendError):
    """What was asked of a job was handed to the cluster, and no final answer came.

    Attributes:
        job_id: of the job, which need not be there.
        reason: the protocol's or the library's name of the error, such as `_MSG_TIMED_OUT`.
    """

    job_id: str
    reason: str

    def __str__(self) -> str:
        return f"whether this was accepted for job {self.job_id!r} is not known ({self.reason})"


@dataclass(eq=False)
class KeyOutcomeUnknown(ResendError):
    """No final answer to a request with an Idempotency-Key came in time; it may still be carried out, once.

    Attributes:
        reason: what is known of why.
    """

    reason: str

    def __str__(self) -> str:
        return f"whether this was done, or will be, is not known ({self.reason})"
