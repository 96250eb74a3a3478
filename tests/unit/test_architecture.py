"""The document for maintainers names files and what is in them: all of it is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
LINKS = re.findall(r"\[(`?)([^\]`]+)`?\]\(\.\./([a-z_./]+\.py)\)", TEXT)
PATHS = re.findall(r"`((?:service|kafka|tests|docs)/[\w./-]+)`", TEXT)


@pytest.mark.parametrize(("quoted", "name", "path"), LINKS)
def test_what_the_document_names_is_in_the_file_that_it_links_to(quoted: str, name: str, path: str) -> None:
    """A name in code style is a class, a function, or the file itself."""
    content = (REPOSITORY / path).read_text("utf-8")
    if quoted and not name.endswith(".py"):
        assert all(f" {part}" in content for part in name.split(".")) or Path(path).stem == name


@pytest.mark.parametrize("path", PATHS)
def test_files_that_the_document_names_are_there(path: str) -> None:
    """Where to add something, and which test says what was forgotten."""
    assert (REPOSITORY / path).exists()
