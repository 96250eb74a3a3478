"""What all bodies of answers to searches have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AnswerBody(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)
