"""`kafka-resend resend`: put one record back on its topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import (
    IdempotencyKey,
    Instance,
    Json,
    Project,
    Token,
    TokenFile,
    Url,
    require_idempotency_key,
    require_text,
    target,
)

if TYPE_CHECKING:
    from service.cli.client import Api, CopyLocation


def resend_command(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Topic of the record.")],
    partition: Annotated[int, typer.Argument(metavar="PARTITION", min=0, help="Partition of the record.")],
    offset: Annotated[int, typer.Argument(metavar="OFFSET", min=0, help="Offset of the record.")],
    *,
    consumer_key: Annotated[
        str | None,
        typer.Option(
            "--consumer-key",
            metavar="KEY",
            help="The recipient of the copy. Default: everybody, or the recipient that the record's own consumer_key "
            "header names.",
        ),
    ] = None,
    idempotency_key: IdempotencyKey = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """Write a copy of the record at exactly this position to the end of its partition, and say where the copy is.

    It does not ask first: `kafka-resend messages TOPIC --partition P --offset O` shows the record. Every call writes
    one more copy; after exit code 4 or 130, look at the end of the partition before you try again. With an
    --idempotency-key the same command may be run again without looking.
    """
    from service.cli.output import is_interactive, safe, tell, write_json
    from service.cli.session import run
    from service.cli.terminal import output
    from service.cli.waiting import Waiting

    require_text(TOPIC=topic, consumer_key=consumer_key)
    require_idempotency_key(idempotency_key)
    interactive = is_interactive(as_json=as_json)
    asked = target(url, token, token_file, project, instance)
    sent = False

    async def resend(api: Api) -> None:
        nonlocal sent
        async with Waiting("waiting until all in-sync replicas have the copy") as waiting:
            sent = True
            copy = await api.resend(topic, partition, offset, consumer_key, idempotency_key)
            sent = False
            waiting.step_aside()
        if interactive:
            output().print(safe(_result(f"{topic}/{partition}@{offset}", topic, copy)))
            output().print(safe(await _recipient(api, topic, partition, offset, consumer_key)))
            return
        write_json(
            [
                {
                    "topic": topic,
                    "partition": partition,
                    "message_offset": offset,
                    "consumer_key": consumer_key,
                    "copy_partition": copy.partition,
                    "copy_offset": copy.offset,
                    "copy_timestamp": copy.timestamp,
                    **({} if idempotency_key is None else {"replayed": copy.replayed}),
                }
            ]
        )

    try:
        run(resend, asked, audited=True)
    except KeyboardInterrupt:
        if sent:
            what_next = (
                "look at the end of the partition"
                if idempotency_key is None
                else "run the same command with the same --idempotency-key again, it is done once"
            )
            tell(f"interrupted; whether a copy was written is not known: {what_next}")
        raise


_NO_KEYS = frozenset({"everybody", "nobody"})
"""Words that say who gets a copy and are no consumer_key."""

_TIMES = {
    "original": "with the record's own time",
    "now": "with the current time",
    "broker": "with the broker's time",
}


def _result(record: str, topic: str, copy: CopyLocation) -> str:
    partition = "?" if copy.partition is None else copy.partition
    # After a retry inside of Kafka's client library the broker may not tell the offset again.
    offset = "an offset that Kafka did not tell" if copy.offset is None else copy.offset
    time = _TIMES.get(copy.timestamp or "", "")
    if copy.replayed:
        return f"{record} was resent before, by a command with this key: the copy is {topic}/{partition}@{offset}."
    return f"{record} was resent: the copy is {topic}/{partition}@{offset}{', ' if time else ''}{time}."


async def _recipient(api: Api, topic: str, partition: int, offset: int, consumer_key: str | None) -> str:
    """Return who gets the copy; a caller who may resend but not read is told the rule instead of the name."""
    from service.cli.answers import ApiError
    from service.cli.values import shown

    if consumer_key is not None:
        return f"It is for {shown(consumer_key, reserved=_NO_KEYS)}."
    try:
        record = await api.record(topic, partition, offset)
    except ApiError:
        # The copy is written and told; nothing that happens now may look like a failure of that.
        return "It is for all consumers, or for the one that the record's own consumer_key header names."
    keys = [header for header in record["headers"] if header["name"] == "consumer_key"]
    if not keys:
        return "It is for everybody: the record names no consumer_key."
    if keys[-1]["value"] is None:
        return "It is for nobody: the record's own consumer_key header is null, and no --consumer-key was given."
    own = shown(keys[-1]["value"], keys[-1]["encoding"], reserved=_NO_KEYS)
    return f"It is for {own}: the record's own consumer_key header names it, and no --consumer-key was given."
