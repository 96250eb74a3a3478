"""That a job's copies go to where the records came from."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Target(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """That a job's copies go where the records came from, instead of to their own topic.

    What has no default is always in the store: a version that took something else for it would write other copies.

    Attributes:
        dialect: name of the dialect whose headers say where that is, or `auto`.
        by_operator: the job was made by the operator at the command line, who has the settings and may write anywhere;
            otherwise the grants of the caller who has made it decide, as they are when a copy is written.
        remove_headers: the copies lack the headers that the dialect has left.
        group_as_recipient: each copy is for the consumer group that its dead letter names.
    """

    dialect: Annotated[str, Meta(max_length=64)]
    by_operator: bool
    remove_headers: bool
    group_as_recipient: bool = False
