"""The fields of a job are the same wherever they are named: in body, plan and answer, and where these are written.

A body's model is where a field is added; these tests say where else it is missing.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from kafka.filter.conditions import Filter, HeaderCondition
from kafka.jobs.plan import JobTerms, Plan
from kafka.jobs.progress import Counts, Failure
from kafka.jobs.spec import JobSpec
from kafka.redrive.dead_letters import DeadLetterCondition
from kafka.redrive.target import Target
from service.api.schema.filter import DeadLettersItem, FilterItem, HeaderConditionItem
from service.api.schema.job_request import JobRequest, TargetItem, parse_job
from service.api.schema.job_response import CountsItem, FailureItem, JobResponse
from service.api.schema.job_terms import ConditionItem, DeadLettersToldItem, FilterToldItem, TargetToldItem
from service.cli.hints import worded
from service.http.errors import row_of
from service.http.refusals import JobFieldRefused

REPOSITORY = Path(__file__).parents[2]
BODY = set(JobRequest.model_fields)
NESTED: dict[str, type[BaseModel]] = {"filter": FilterItem, "target": TargetItem}
PLACES = (BODY - NESTED.keys()) | {f"{name}.{part}" for name, item in NESTED.items() for part in item.model_fields}
"""Each field that a body may have, as documents name it: filter.key."""


def taken(model: type[BaseModel]) -> set[str]:
    """Return the names by which a part of an answer takes its fields."""
    return {str(field.validation_alias or name) for name, field in model.model_fields.items()}


def test_what_is_asked_for_is_what_is_planned() -> None:
    """By the same names, but for what is asked in one way and kept in another, and for who asks."""
    asked = BODY - {"start_time", "end_time", "messages"}

    assert asked == set(JobSpec.__struct_fields__) - {"project", "created_by", "times_ms", "positions"}
    assert set(JobTerms.__struct_fields__) <= set(Plan.__struct_fields__)


def test_what_is_planned_is_told() -> None:
    """An answer has what its job was asked for; which ranges that made is the selection."""
    assert set(JobTerms.__struct_fields__) - {"times_ms"} <= taken(JobResponse)
    assert {"selected", *Counts.__struct_fields__} == taken(CountsItem)
    assert set(Failure.__struct_fields__) == taken(FailureItem)


@pytest.mark.parametrize(
    ("kept", "asked", "told"),
    [
        (Filter.__struct_fields__, FilterItem, FilterToldItem),
        (HeaderCondition.__struct_fields__, HeaderConditionItem, ConditionItem),
        (DeadLetterCondition.__struct_fields__, DeadLettersItem, DeadLettersToldItem),
        # Who has made it is not for a caller to say.
        (set(Target.__struct_fields__) - {"by_operator"}, TargetItem, TargetToldItem),
    ],
)
def test_parts_of_a_job_have_the_same_fields_in_body_plan_and_answer(
    kept: tuple[str, ...], asked: type[BaseModel], told: type[BaseModel]
) -> None:
    """A condition that is asked for and not kept would resend more than was asked for."""
    assert set(kept) == set(asked.model_fields) == set(told.model_fields)


def test_document_has_every_field_of_a_body_and_no_other() -> None:
    """docs/jobs.md, in the tables whose first column is a field."""
    text = (REPOSITORY / "docs" / "jobs.md").read_text("utf-8")
    tables = re.findall(r"^\| field \| \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [line.split("|")[1] for table in tables for line in table.splitlines()]

    assert PLACES | {"target"} == {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


def test_console_writes_every_field_of_a_body_and_no_other() -> None:
    """What its form says becomes the body in job-spec.js, and its filter in filter.js, which the search has too."""
    scripts = (REPOSITORY / "service" / "console" / name for name in ("jobs/job-spec.js", "filter/filter.js"))
    script = "\n".join(path.read_text("utf-8") for path in scripts)
    written = set(re.findall(r"\bbody\.(\w+) =", script))
    written |= {f"filter.{name}" for name in re.findall(r"\bfilter\.(\w+) =", script)}
    names = set(re.findall(r"\w+", script))

    assert set() == {place for place in PLACES if place.rpartition(".")[2] not in names}
    assert written - NESTED.keys() <= PLACES


def test_command_line_writes_every_field_of_a_body_and_no_other() -> None:
    """`job start` makes the body of its options."""
    scripts = (REPOSITORY / "service" / "cli" / name for name in ("job_start.py", "filter_options.py"))
    nodes = [node for script in scripts for node in ast.walk(ast.parse(script.read_text("utf-8")))]
    keys = [key for node in nodes if isinstance(node, ast.Dict) for key in node.keys]
    stored = [node for node in nodes if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)]
    keys += [node.slice for node in stored]
    written = {key.value for key in keys if isinstance(key, ast.Constant)}
    of_entries = {"partition", "message_offset", "start", "end"}
    of_entries |= HeaderConditionItem.model_fields.keys() | DeadLettersItem.model_fields.keys()

    assert {place.rpartition(".")[2] for place in PLACES} | NESTED.keys() | of_entries == written


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ({"records_per_second": 0}, "--rate is 0, "),
        ({"max_failures": 0}, "--max-failures is 0, "),
        ({"target": {"dialect": 5}}, "--redrive is 5, "),
        ({"filter": {"jmespath": 5}}, "--jmespath is 5, "),
        ({"filter": {"key": 5}}, "--key is 5, "),
        ({"filter": {"dead_letters": {"reason": 5}}}, "--dead-letter-reason is 5, "),
        ({"filter": {"headers": [{"name": "h"}] * 21}}, "--header has 21 entries, "),
        ({"filter": {"headers": [{"name": 5}]}}, "a --header is 5, "),
        (
            {"messages": [{"partition": 0, "message_offset": 0}], "partitions": [1]},
            "--position names partition 0, which --",
        ),
    ],
)
def test_refusal_of_a_field_names_the_option_at_the_terminal(field: dict[str, object], option: str) -> None:
    """Whoever typed an option has not written a body."""
    with pytest.raises(JobFieldRefused) as caught:
        parse_job(json.dumps({"topic": "orders", **field}).encode(), "p", "me")
    row = row_of(caught.value)

    assert worded(row.error_code, f"{caught.value}; {row.remedy}").startswith(option)
