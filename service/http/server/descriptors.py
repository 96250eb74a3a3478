"""How many files the process may open, of which each connection is one."""

from __future__ import annotations

import resource

_WANTED = 65_536


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files as far as needed and allowed, for this process and its children; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _WANTED:
        return _WANTED
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
