"""`kafka-resend sample-topic`: the sample records on a real cluster, for docker compose and first tries."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.terminal import PROBLEM, output, refuse


def sample_topic_command(
    bootstrap: Annotated[str, typer.Option(metavar="HOST:PORT", help="A broker of the cluster, without TLS or SASL.")],
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=1, help="How long to wait for the cluster.")] = 60.0,
) -> None:
    """Create the topic `topic-test` with three partitions and sample records, unless it has records already."""
    from kafka.demo.samples import SAMPLE_TOPIC, SamplesNotWritten, ensure_sample_topic

    try:
        written = ensure_sample_topic(bootstrap, timeout)
    except SamplesNotWritten as error:
        refuse(f"{SAMPLE_TOPIC} could not be made on {bootstrap}: {error}", PROBLEM)
    output().print(f"{SAMPLE_TOPIC}: {'sample records written' if written else 'has records already, nothing written'}")
