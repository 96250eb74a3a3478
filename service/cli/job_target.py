"""Where the copies of a job go, and who they are for, in words for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cli.values import shown

if TYPE_CHECKING:
    from service.cli.output import Json

EVERYBODY = "everybody"


def recipient_text(job: Json) -> str:
    """Return the recipient of a job's copies; of the body that asks for a job, too."""
    consumer_key = job.get("consumer_key")
    if consumer_key is not None:
        # A key may be the very word.
        return shown(str(consumer_key), reserved={EVERYBODY})
    target: Json = job.get("target") or {}
    if target.get("group_as_recipient"):
        return "the consumer group that each dead letter names"
    chosen: Json = job.get("filter") or {}
    selection: Json = job.get("selection") or {}
    # Without these, records that carry a consumer_key are left out.
    named = job.get("messages") is not None or selection.get("positions") is not None
    if chosen.get("include_resent") or named:
        return f"{EVERYBODY}, or the one that a record's own consumer_key names"
    return EVERYBODY


def headers_text(dialect: str) -> str:
    """Return which headers say where a dead letter came from."""
    return "each record's own headers" if dialect == "auto" else f"the headers of {dialect}"


def target_text(target: Json) -> str:
    """Return where the copies of dead letters go."""
    kept = "removed from the copies" if target["remove_headers"] else "kept"
    return f"where {headers_text(target['dialect'])} say, which are {kept}"


def dialects_text(report: Json) -> str | None:
    """Return in which dialects a dry run has found where records came from; None where it did not look."""
    found: list[Json] = report.get("dialects") or []
    return ", ".join(f"{each['dialect']}: {each['would_resend']:,}" for each in found) or None
