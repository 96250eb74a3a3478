"""GET /v2/caller: who a token belongs to, and what they may touch."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from kafka.model.policy import matches
from service.api.access import actions_of, check_id
from service.api.call import Call
from service.api.health import readiness_of
from service.api.parameters import Text
from service.api.schema.query import CallerInstance, CallerResponse
from service.auth import Caller
from service.instances import Instances

PROJECT = Text("project", "Another project to look from.")
DEMO_PROJECT = "demo-project"

PARAMETERS = (PROJECT,)

_WILDCARDS = frozenset("*?[")


async def show_caller(call: Call[Caller]) -> Response:
    """Tells whose the token is, a project id for the paths, and the instances to do something on."""
    caller, instances = call.admitted, call.context.instances
    project = call.parameters.get(PROJECT)
    if project is None:
        project = own_project(caller, instances)
    else:
        check_id("project", project)
    body = CallerResponse(name=caller.name, project=project, instances=_instances(caller, project, instances))
    return Response(body.model_dump_json(), media_type="application/json")


def own_project(caller: Caller, instances: Instances) -> str:
    """Return a project id that works in the caller's paths, as far as one can be told.

    The first project granted by name that owns an instance; else the first that owns one by name and is granted; else
    any will do where the grants and the owners are patterns.
    """
    for project in _literal(caller.grants.projects):
        if any(matches(project, instance.projects) for _, instance in instances):
            return project
    for _, instance in instances:
        for project in _literal(instance.projects):
            if matches(project, caller.grants.projects):
                return project
    return DEMO_PROJECT if any(instance.cluster.config.embedded for _, instance in instances) else "default"


def _literal(patterns: Iterable[str]) -> list[str]:
    return [pattern for pattern in patterns if not _WILDCARDS & set(pattern)]


def _instances(caller: Caller, project: str, instances: Instances) -> list[CallerInstance]:
    """Return the instances of this project that the caller may do something to."""
    found = []
    for name, instance in instances:
        actions = actions_of(caller, project, name, None)
        if actions and matches(project, instance.projects):
            config = instance.cluster.config
            readiness = readiness_of(instance.cluster.availability)
            found.append(
                CallerInstance(
                    instance_id=name,
                    state=readiness.state,
                    reason=readiness.reason,
                    embedded=config.embedded,
                    read_only=config.policy.read_only,
                    actions=list(actions),
                    dialects=list(config.dialects.names),
                )
            )
    return found
