"""RESEND_* variables: which setting each one is, and what its text means.

Nothing here knows which settings there are: that is read off the settings' classes.

pydantic-settings' EnvSettingsSource is not used. It passes over a variable whose first part is no setting, takes a
whole table as JSON, does not say which variable a value came from, and its error for a list that is not JSON has the
text, which may be secret, in its cause. To refuse an unknown variable by name each has to be located here anyway, and
then its value is in place.
"""

from __future__ import annotations

import difflib
import json
import re
import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

PREFIX = "RESEND_"
CONFIG = "RESEND_CONFIG"
"""The variable that names the TOML file; the only one that is no setting itself."""

Keys = tuple[str, ...]
"""A setting by the keys that lead to it in the TOML file."""

_SEPARATOR = "__"
_UNDERSCORED = {"log.level": "log_level"}
"""librdkafka's one property with an underscore of its own."""

_KUBERNETES = re.compile(r"RESEND_(?:SERVICE_(?:HOST|PORT).*|PORT(?:_\d+_(?:TCP|UDP).*)?)")


class SettingsError(Exception):
    """A setting is invalid. One line that names the variable, or the file and the key, and never the value."""


@dataclass(slots=True)
class Variables:
    """What the variables set.

    Attributes:
        values: nested as in the TOML file.
        names: for each setting that was given, the variable it came from.
    """

    values: dict[str, Any] = field(default_factory=dict, repr=False)
    names: dict[Keys, str] = field(default_factory=dict)

    def put(self, path: Keys, value: object, name: str) -> None:
        """Take a value for a setting."""
        table = self.values
        for key in path[:-1]:
            table = table.setdefault(key, {})
        table[path[-1]] = value
        self.names[path] = name


def variable_of(path: Keys) -> str:
    """Return the name of the variable that sets this."""
    *front, last = path
    if len(front) >= 2 and front[-1] == "properties":
        last = last.replace(".", "_")
    return PREFIX + _SEPARATOR.join([*map(_in_variable, front), last.upper()])


def section_in(annotation: Any) -> type[BaseModel] | None:
    """Return the class of settings that a field holds, or None when it holds a value."""
    for candidate in get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def sections_by_id_in(annotation: Any) -> type[BaseModel] | None:
    """Return the class of settings of which a field holds several by id, or None when it does not."""
    return section_in(get_args(annotation)[1]) if get_origin(annotation) is dict else None


def read_variables(environ: Mapping[str, str], root: type[BaseModel], ids: Mapping[Keys, Collection[str]]) -> Variables:
    """Return what the RESEND_* variables set.

    Args:
        environ: variables by name; others than RESEND_* are ignored.
        root: the class of all settings.
        ids: which the TOML file has in each of the tables that have others by id, such as the instances: a variable can
            only spell them in capitals.

    Raises:
        SettingsError: one is no setting, or its text cannot be one.
    """
    found = Variables()
    # Sorted: RESEND_KAFKA__PROPERTIES comes before, and yields to, a variable for a single property.
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name != CONFIG:
            _take(found, name, environ[name], root, ids)
    return found


def _take(found: Variables, name: str, text: str, root: type[BaseModel], ids: Mapping[Keys, Collection[str]]) -> None:
    located = _locate(name[len(PREFIX) :].split(_SEPARATOR), root, ids) if name == name.upper() else None
    if located is None:
        raise SettingsError(f"{name} is not a setting{_hint(name, root)}")
    path, annotation = located
    if path[-1] == "properties":
        for key, value in _properties(name, text).items():
            found.put((*path, key), value, name)
    elif get_origin(annotation) is tuple:
        found.put(path, _list(name, text), name)
    else:
        found.put(path, text, name)


def _locate(
    segments: list[str], model: type[BaseModel], ids: Mapping[Keys, Collection[str]], above: Keys = ()
) -> tuple[Keys, Any] | None:
    """Return the path and the annotation of the setting that a variable's segments name, or None."""
    key, rest = segments[0].lower(), segments[1:]
    described = model.model_fields.get(key)
    if described is None:
        return None
    path: Keys = (key,)
    annotation = described.annotation
    section = section_in(annotation)
    if section is None:
        section = sections_by_id_in(annotation)
        if section is not None and rest:
            path = (key, _id(rest[0], (*above, key), ids))
            rest = rest[1:]
    if section is None:
        if key == "properties" and len(rest) == 1 and rest[0]:
            name = rest[0].lower().replace("_", ".")
            return (key, _UNDERSCORED.get(name, name)), str
        return None if rest else (path, annotation)
    below = _locate(rest, section, ids, (*above, *path)) if rest else None
    return None if below is None else ((*path, *below[0]), below[1])


def _id(segment: str, table: Keys, ids: Mapping[Keys, Collection[str]]) -> str:
    """Return the id of the TOML file that a segment spells, or else the segment in lower case: one more."""
    found = sorted(known for known in ids.get(table, ()) if _in_variable(known) == segment)
    if len(found) > 1:
        name = _SEPARATOR.join([*map(_in_variable, table), segment])
        raise SettingsError(f"{name} in a variable could mean each of {', '.join(found)}; rename one")
    return found[0] if found else segment.lower()


def _in_variable(key: str) -> str:
    return re.sub(r"[.-]", "_", key).upper()


def _list(name: str, text: str) -> list[str]:
    # An IPv6 address ([::1]:9092) and a pattern ([ab]*) begin with a bracket as well; JSON continues with a string.
    if re.match(r'\s*\[\s*(?:"|\]\s*$)', text):
        try:
            items = json.loads(text)
        except (ValueError, RecursionError):
            items = None
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise SettingsError(f"{name} must be a list separated by commas, or a JSON list of strings")
    else:
        items = [item.strip() for item in text.split(",")]
    if not items or not all(items):
        raise SettingsError(f"{name} must be a list separated by commas, without empty items")
    return items


def _properties(name: str, text: str) -> dict[str, object]:
    try:
        properties = json.loads(text)
    except (ValueError, RecursionError):
        properties = None
    if not isinstance(properties, dict):
        raise SettingsError(
            f'{name} must be a JSON object such as {{"security.protocol": "SSL"}}; '
            f"{name}__SECURITY_PROTOCOL sets a single property"
        )
    return properties


def _hint(name: str, root: type[BaseModel]) -> str:
    if _KUBERNETES.fullmatch(name):
        return " (Kubernetes makes it for a Service named resend: set enableServiceLinks to false, or rename it)"
    known = [CONFIG, *(variable_of(path) for path, _ in leaves(root))]
    close = difflib.get_close_matches(name.upper(), known, 1, 0.75)
    return f"; did you mean {close[0]}?" if close else "; docs/configuration.md lists them all"


def leaves(model: type[BaseModel], above: Keys = ()) -> Iterator[tuple[Keys, FieldInfo]]:
    """Yield every setting of a class with the path that leads to it; `NAME` stands for an id.

    Args:
        model: the class.
        above: the path that leads to it.
    """
    for key, described in model.model_fields.items():
        section, by_id = section_in(described.annotation), sections_by_id_in(described.annotation)
        if section is not None:
            yield from leaves(section, (*above, key))
        elif by_id is not None:
            yield from leaves(by_id, (*above, key, "NAME"))
        else:
            yield (*above, key), described


def tables_by_id(model: type[BaseModel], above: Keys = ()) -> Iterator[Keys]:
    """Yield the path of every table that has others by id."""
    for key, described in model.model_fields.items():
        if sections_by_id_in(described.annotation) is not None:
            yield (*above, key)
        elif (section := section_in(described.annotation)) is not None:
            yield from tables_by_id(section, (*above, key))
