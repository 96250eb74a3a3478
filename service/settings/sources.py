"""Where settings come from, and how what is wrong with one is worded: by the name under which it was set.

pydantic-settings merges what is read here. Its TomlConfigSettingsSource does not read the file: it takes one that is
not there for an empty one, and the file that is checked for who may write it has to be the one that is read: opened
once.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from kafka.client.config import PropertyReserved
from service.files import writable_by_everybody
from service.settings.about import BOUND, may_be
from service.settings.variables import (
    CONFIG,
    Keys,
    SettingsError,
    Variables,
    read_variables,
    section_in,
    sections_by_id_in,
    tables_by_id,
    variable_of,
)


@dataclass(frozen=True, slots=True)
class Sources:
    """What the variables and the TOML file say.

    Attributes:
        root: the class of all settings.
        variables: what the variables set.
        file: the TOML file, if there is one.
        table: what it says.
    """

    root: type[BaseModel]
    variables: Variables
    file: Path | None = None
    table: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, environ: Mapping[str, str], root: type[BaseModel]) -> Sources:
        """Return what this environment says.

        Args:
            environ: variables by name.
            root: the class of all settings.

        Raises:
            SettingsError: the TOML file cannot be read, or a variable is no setting.
        """
        file, table = None, {}
        if CONFIG in environ:
            file = Path(environ[CONFIG])
            table = _read_toml(file)
        ids = {keys: _ids(table, keys) for keys in tables_by_id(root)}
        return cls(root, read_variables(environ, root, ids), file, table)

    def place(self, keys: Keys) -> str:
        """Return what to call a setting: the variable or the key in the TOML file that set it, or else could set it."""
        for length in range(len(keys), 0, -1):
            name = self.variables.names.get(keys[:length])
            if name is not None:
                return name
        beside = any(given[: len(keys) - 1] == keys[:-1] for given in self.variables.names)
        if self.file is None or (beside and not _holds(self.table, keys)):
            return variable_of(keys)
        return f"{self.file}: {_toml_key(keys)}"

    def worded(self, error: ValidationError) -> str:
        """Return in one line the first thing that is wrong, and what it may be."""
        details = error.errors(include_url=False, include_input=False)
        # An unknown key explains what is missing.
        return self._worded(next((one for one in details if one["type"] == "extra_forbidden"), details[0]))

    def _worded(self, details: ErrorDetails) -> str:
        keys = tuple(str(part) for part in details["loc"] if part != "[key]" and not isinstance(part, int))
        place = self.place(keys)
        model, described = _described(self.root, keys)
        if details["type"] == "extra_forbidden":
            close = difflib.get_close_matches(keys[-1], model.model_fields if model else (), 1)
            return f"{place} is not a setting" + (f"; did you mean {close[0]}?" if close else "")
        problem = details.get("ctx", {}).get("error")
        if isinstance(problem, PropertyReserved):
            return f"{place}: {problem}"
        if details["type"] == BOUND:
            return f"{place} must be {details['msg']}"
        expected = may_be(described) if described else "a table of settings"
        if details["type"] == "missing":
            return f"{place} is missing; it must be {expected}"
        return f"{place} must be {expected}"


def _described(model: type[BaseModel] | None, keys: Keys) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Return the class that has the setting, and its field; a field in between if the way ends there."""
    described = None
    rest = list(keys)
    while rest and model is not None:
        found = model.model_fields.get(rest.pop(0))
        if found is None:
            return model, None
        described = found
        below = section_in(found.annotation)
        if below is None:
            below = sections_by_id_in(found.annotation)
            if below is not None and rest:
                rest.pop(0)
        elif not rest:
            return model, None
        model = below if rest else model
    return model, described


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            if writable_by_everybody(opened):
                raise SettingsError(f"{CONFIG}: everybody on this machine may write {file}: chmod o-w {file}")
            text = opened.read().decode()
    except UnicodeDecodeError:
        raise SettingsError(f"{CONFIG}: {file} is not UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it cannot be a path"
        raise SettingsError(f"{CONFIG} must be the path of a TOML file; {file} cannot be read: {reason}") from None
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{file} is not TOML: {' '.join(str(error).split())}") from None
    _settle(table, file.parent)
    return table


def _settle(table: dict[str, Any], folder: Path) -> None:
    """Resolve what the file's own place gives a meaning, and spell properties in one way."""
    auth, instances = table.get("auth"), table.get("instances")
    if isinstance(auth, dict) and isinstance(auth.get("callers_file"), str):
        auth["callers_file"] = str(folder / auth["callers_file"])
    several = list(instances.values()) if isinstance(instances, dict) else []
    for instance in (table.get("kafka"), *several):
        if isinstance(instance, dict) and isinstance(instance.get("properties"), dict):
            # `security.protocol = "SSL"` without quotes is two tables to TOML, but means the same to its author.
            instance["properties"] = dict(_flat(instance["properties"]))


def _flat(table: dict[str, Any], front: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in table.items():
        flat += _flat(value, f"{front}{key}.") if isinstance(value, dict) else [(front + key, value)]
    return flat


def _ids(table: object, keys: Keys) -> list[str]:
    """Return the ids in a table of tables; none where the file has no such table."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return list(table) if isinstance(table, dict) else []


def _holds(table: object, keys: Keys) -> bool:
    for key in keys:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True


def _toml_key(keys: Keys) -> str:
    return ".".join(key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key) for key in keys)
