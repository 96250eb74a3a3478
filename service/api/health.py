"""GET /healthz and /readyz: whether the process lives, and whether requests should be sent to it."""

from __future__ import annotations

from starlette.responses import Response

from kafka.cluster_watch import Availability
from kafka.model.errors import AwayKind
from service.api.call import Call
from service.api.schema.resend import Health, InstanceReadiness, Readiness

_ALIVE = Health(status="ok").model_dump_json()

_REASONS: dict[AwayKind | None, str] = {
    "credentials": "the brokers do not accept the service's credentials",
    "tls": "TLS with the brokers cannot be established",
    "controller": "bootstrap_servers names a KRaft controller where a broker should be",
    "advertised": "no broker can be reached at the address that it advertises (advertised.listeners)",
    "unresolved": "the brokers' names cannot be resolved",
}
"""What strangers may know: no addresses. The log has the client library's own words."""


async def healthz(call: Call[None]) -> Response:
    """Answers 200 as long as the process answers at all."""
    del call
    return Response(_ALIVE, media_type="application/json")


async def readyz(call: Call[None]) -> Response:
    """Tells whether requests should be sent here.

    503 only before the first attempt to open the instances and while stopping. An instance that is away is told in the
    body, and by the 503s of its calls: taken out of rotation, the service could not say the reason.
    """
    instances = call.context.instances
    readiness = Readiness(
        status=instances.phase,
        instances={name: readiness_of(instance.cluster.availability) for name, instance in instances},
        callers=call.context.problem(),
    )
    status = 200 if instances.phase == "ready" else 503
    content = readiness.model_dump_json(exclude={"callers"} if readiness.callers is None else None)
    return Response(content, status, media_type="application/json")


def readiness_of(availability: Availability) -> InstanceReadiness:
    """Return what may be told of whether a cluster can be used."""
    if availability.state != "away":
        return InstanceReadiness(state=availability.state)
    return InstanceReadiness(state="away", reason=_REASONS.get(availability.kind, "no broker answers"))
