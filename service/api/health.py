"""GET /healthz and /readyz: whether the process lives, and whether requests should be sent to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from kafka.cluster import Availability
from service.envelope import trail_of
from service.instances import Instances
from service.wire import Health, InstanceReadiness, Readiness

_ALIVE = Health(status="ok").model_dump_json()

_REASONS = {
    "_AUTHENTICATION": "the brokers do not accept the service's credentials",
    "SASL_AUTHENTICATION_FAILED": "the brokers do not accept the service's credentials",
    "_SSL": "TLS with the brokers cannot be established",
    "_RESOLVE": "the brokers' names cannot be resolved",
}
"""What strangers may know: no addresses. The log has the client library's own words."""


async def healthz(request: Request) -> Response:
    """Answer 200 as long as the process answers at all."""
    trail_of(request.scope).quiet = True
    return Response(_ALIVE, media_type="application/json")


def readyz_endpoint(instances: Instances) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that tells whether requests should be sent here.

    503 only before the first attempt to open the instances and while stopping. A cluster that is away is told in the
    body and by worded 503s: taking the service out of rotation would leave its callers without the reason.
    """

    async def readyz(request: Request) -> Response:
        trail_of(request.scope).quiet = True
        readiness = Readiness(
            status=instances.phase,
            instances={name: readiness_of(instance.cluster.availability) for name, instance in instances},
        )
        status = 200 if instances.phase == "ready" else 503
        return Response(readiness.model_dump_json(), status, media_type="application/json")

    return readyz


def readiness_of(availability: Availability) -> InstanceReadiness:
    """Return what may be told of whether a cluster can be used."""
    if availability.state != "away":
        return InstanceReadiness(state=availability.state)
    name = (availability.reason or "").partition(":")[0]
    return InstanceReadiness(state="away", reason=_REASONS.get(name, "no broker answers"))
