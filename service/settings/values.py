"""The kinds of values that settings have. What is wrong with one is worded elsewhere: an error here names no value."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from kafka.client.config import check_properties
from kafka.redrive.dialects import DIALECT_NAME
from kafka.redrive.known import NO_OWN


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number")  # noqa: TRY004 - pydantic collects no TypeError
    return value


def _property_name(name: str) -> str:
    check_properties({name: ""})
    if not re.fullmatch(r"[a-z][a-z0-9._]*", name):
        raise ValueError("named as librdkafka names it")
    return name


def _property_value(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("text, a number, true or false")
    return value


def lower(value: object) -> object:
    """Return text in lower case, anything else as it is."""
    return value.lower() if isinstance(value, str) else value


def _host(host: str) -> str:
    # What ends in a number, such as 10.0.0.256, is no name of a host.
    if not re.fullmatch(r"(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]*[A-Za-z_-][A-Za-z0-9_-]*\.?", host):
        ip_address(host)
    return host


def _server(server: str) -> str:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9._-]+):([0-9]{1,5})", server)
    if found is None or not 0 < int(found[2]) <= 65535:
        raise ValueError("host:port")
    if found[1] is not None:
        ip_address(found[1])
    return server


def _path_prefix(path: str) -> str:
    # Below /v2 it could not be told from the service's own paths.
    if not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)*", path) or f"{path}/".startswith("/v2/"):
        raise ValueError("a path without a trailing slash")
    return path


def _dialect_name(name: str) -> str:
    if not re.fullmatch(DIALECT_NAME, name) or name in NO_OWN.names:
        raise ValueError("a name of its own")
    return name


Whole = Annotated[int, BeforeValidator(_no_bool)]
Seconds = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]
Patterns = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
Servers = Annotated[tuple[Annotated[str, AfterValidator(_server)], ...], Field(min_length=1)]
Host = Annotated[str, AfterValidator(_host)]
Properties = dict[Annotated[str, AfterValidator(_property_name)], Annotated[str, BeforeValidator(_property_value)]]
PathPrefix = Annotated[str, AfterValidator(_path_prefix)]
InstanceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
DialectName = Annotated[str, AfterValidator(_dialect_name)]
ID_MAY_BE = "an id of 1 to 64 of the characters A-Z a-z 0-9 . _ -"
