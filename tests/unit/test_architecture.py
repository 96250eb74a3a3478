"""The document for maintainers names what is there, and the modules can be read from the ground up."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
LINKS = re.findall(r"\[(`?)([^\]`]+)`?\]\(\.\./([a-z_./]+\.py)\)", TEXT)
MOST_LINES = 330
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


def files() -> dict[str, Path]:
    """Return the file of each module of both packages, by its name."""
    found = {}
    for path in (path for package in ("kafka", "service") for path in (REPOSITORY / package).rglob("*.py")):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


FILES = files()
MODULES = {module: ast.parse(path.read_text("utf-8")) for module, path in FILES.items()}


def imports(module: str) -> set[str]:
    """Return the modules of both packages that one imports, also for its types or within a function."""
    found = set()
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in MODULES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & MODULES.keys() - {module}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return nodes that lead to each other in a circle, or none."""
    graph = {node: set(after) for node, after in graph.items()}
    while ends := [node for node, after in graph.items() if not after]:
        graph = {node: after.difference(ends) for node, after in graph.items() if node not in ends}
    return sorted(graph)


def test_no_module_imports_itself_by_way_of_others() -> None:
    """What needs each other is one module, or has a third part that both need."""
    assert [] == circle({module: imports(module) for module in MODULES})


def test_no_folder_of_kafka_needs_itself_by_way_of_others() -> None:
    """Each folder can be read when those below it are known."""
    folders: dict[str, set[str]] = {}
    for module in MODULES:
        parts = module.split(".")
        if parts[0] == "kafka" and len(parts) > 1:
            needed = {".".join(name.split(".")[:2]) for name in imports(module) if name.startswith("kafka.")}
            folder = ".".join(parts[:2])
            folders.setdefault(folder, set()).update(needed - {folder})

    assert [] == circle(folders)


def test_class_name_is_one_class() -> None:
    """A name in a traceback, a document or a search leads to one place."""
    names = [node.name for tree in MODULES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]

    assert [] == sorted(name for name, count in Counter(names).items() if count > 1)


def test_module_can_be_read_in_one_go() -> None:
    """One that is long for a module says in its docstring why it is one all the same."""
    long = [module for module, path in FILES.items() if path.read_text("utf-8").count("\n") > MOST_LINES]

    assert [] == [
        module for module in long if "long for a module" not in (ast.get_docstring(MODULES[module]) or "").lower()
    ]
