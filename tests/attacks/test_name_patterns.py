"""Patterns for names of topics: their senders cannot make the service slow, nor fill its memory."""

from __future__ import annotations

import itertools
import re
import time
import tracemalloc
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.client.config import ClusterConfig
from kafka.cluster import Cluster
from service.api.access import Admission
from service.api.topics import NAME, wanted_topics
from service.auth import Caller
from service.auth.callers import EVERYTHING
from service.http.name_pattern import MAX_PATTERN_CHARACTERS, NamePattern
from service.http.refusals import ParameterTooLong
from tests.attacks.growth import check_growth, thread_seconds

NAMES = [f"{'a' * 40}{number}" for number in range(200)]


def found(pattern: str) -> list[str]:
    """Return which of the names a request with this pattern lists; none where the pattern is refused."""
    cluster = Cluster(ClusterConfig("closed", ("127.0.0.1:1",)))
    admission = Admission(Caller("all", EVERYTHING), "read", "project", "closed", cluster)
    try:
        wanted = wanted_topics(admission, NAME.parse(pattern), internal=False)
    except ParameterTooLong:
        return []
    return [name for name in NAMES if wanted(name)]


def test_pattern_of_twice_the_size_takes_at_most_twice_the_time() -> None:
    """A pattern made to be slow is one like any other, and one of 40,000 characters is refused at once."""
    check_growth(lambda size: thread_seconds(lambda: found("*a" * (size // 2) + "b")))


def test_name_of_twice_the_size_takes_twice_the_time() -> None:
    """However many stars stand in a pattern, nothing is tried twice."""
    pattern = NamePattern("*a" * (MAX_PATTERN_CHARACTERS // 2))
    check_growth(lambda size: thread_seconds(lambda: pattern.matches("a" * size + "b")))


def test_many_patterns_leave_nothing_behind() -> None:
    """A thousand of the longest patterns, each another one: what was made of them is gone."""
    patterns = [
        "".join(letters) * 100 + "*" for letters in itertools.islice(itertools.product("abcdef?", repeat=4), 2000)
    ]
    found(patterns[0])
    tracemalloc.start()
    begun = time.thread_time()
    try:
        for pattern in patterns:
            found(pattern)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 2_000_000
    assert time.thread_time() - begun < 20


@pytest.mark.parametrize("pattern", ["*" * 500, "?" * 500, "*?" * 250])
def test_pattern_of_wildcards_alone_matches_by_length(pattern: str) -> None:
    """Stars next to each other are one."""
    assert NamePattern(pattern).matches("a" * 249) == (pattern.count("?") <= 249)


@given(st.text("ab*?.[", max_size=12), st.text("aAbB.[", max_size=12))
def test_pattern_matches_what_a_shell_would(pattern: str, name: str) -> None:
    """As fnmatch, but without brackets, which no name of a topic has."""
    expected = fnmatchcase(name.lower(), re.sub(r"\[", "[[]", pattern.lower()))

    assert expected == NamePattern(pattern).matches(name)
