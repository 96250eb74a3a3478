"""The part of a path that a proxy in front takes away, which addresses made here have to have again."""

from __future__ import annotations

import re

from starlette.types import Scope

_HEADER = b"x-forwarded-prefix"
# Nothing that could lead to another host, such as two slashes.
_PREFIX = re.compile(rb"(?:/[A-Za-z0-9._~-]{1,100}){1,10}")


def prefix_of(scope: Scope) -> str:
    """Return what is before this service's paths, as its callers see them: http.root_path, or X-Forwarded-Prefix.

    The header is believed from any client: the only answer that it changes is the one to the same request.
    """
    root_path: str = scope.get("root_path", "")
    if root_path:
        return root_path.rstrip("/")
    given = [value for name, value in scope["headers"] if name == _HEADER]
    if len(given) == 1 and _PREFIX.fullmatch(given[0].rstrip(b"/")):
        prefix: bytes = given[0].rstrip(b"/")
        return prefix.decode("ascii")
    return ""


def path_within(scope: Scope) -> str:
    """Return the path of a request without http.root_path, whether or not the proxy has taken that away already."""
    path: str = scope["path"]
    root_path: str = scope.get("root_path", "")
    return path[len(root_path) :] if root_path and path.startswith(f"{root_path}/") else path
