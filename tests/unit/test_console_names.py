"""The names that the console's files share: what one of them asks for, another one has."""

from __future__ import annotations

import re
from pathlib import Path

from service.cli.count_words import COUNT_WORDS

FOLDER = Path(__file__).parents[2] / "service" / "console"
PAGE = (FOLDER / "console.html").read_text("utf-8")
SCRIPTS = "\n".join(path.read_text("utf-8") for path in sorted(FOLDER.rglob("*.js")))
SHEETS = "\n".join(path.read_text("utf-8") for path in sorted(FOLDER.glob("*.css")))
STYLES = re.sub(r"/\*.*?\*/", "", SHEETS, flags=re.DOTALL)


def named(kind: str) -> set[str]:
    """Return the ids ("#") or classes (".") that the style sheet's selectors name."""
    selectors = " ".join(re.findall(r"([^{}]+)\{", STYLES))
    return set(re.findall(re.escape(kind) + r"([a-zA-Z][\w-]*)", selectors))


def used(name: str) -> bool:
    """Whether the page or a script has the name as a word of its own."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", PAGE + SCRIPTS) is not None


def test_styles_are_for_ids_and_classes_that_exist() -> None:
    """A rule for a name that has changed would do nothing, and nothing would say so."""
    names = named("#") | named(".")

    assert len(names) > 100
    assert [] == sorted(name for name in names if not used(name))


def test_scripts_ask_for_elements_that_exist() -> None:
    """An id is in the page, or is given to an element by a script."""
    asked = set(re.findall(r'byId\("([\w-]+)"', SCRIPTS))

    assert len(asked) > 50
    assert [] == sorted(
        name for name in asked if f'id="{name}"' not in PAGE and not re.search(rf'\bid: "{name}"', SCRIPTS)
    )


def test_counts_have_the_names_that_the_command_line_has() -> None:
    """A search says the same of the same records in both."""
    script = (FOLDER / "page" / "count-words.js").read_text("utf-8")

    assert list(COUNT_WORDS.items()) == re.findall(r'^  (\w+): "(.*)",$', script, re.MULTILINE)
