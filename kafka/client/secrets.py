"""Which configured values are secret, and how they are kept out of whatever is logged or answered.

The client library quotes values that it cannot use, and passes on what servers say: a token endpoint may well repeat
the client secret in its error.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from kafka.client.config import ClusterConfig

_SECRET_NAME = re.compile(r"password|passphrase|secret|jaas|private|\.key\.pem$|oauthbearer\.(config|extensions)$")
_SHORT = 4
"""Shorter ones than this are hidden only where they stand alone: else half of every line would be."""
_LINE = 16
_HIDDEN = "***"


class Secrets:
    """Values that must not be shown, and the forms in which they travel."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, config: ClusterConfig) -> None:
        """Take the secrets of a cluster's properties."""
        forms = {form for value in _values(config) for form in _forms_of(value)}
        if not forms <= self._forms:
            self._forms |= forms
            # The longest first: one may be a part of another.
            ordered = sorted(self._forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(_expression(form) for form in ordered))

    def mask(self, text: str) -> str:
        """Return the text without secrets."""
        return text if self._pattern is None else self._pattern.sub(_HIDDEN, text)

    def mask_all(self, value: Any) -> Any:
        """Return a value of any kind, as it is to be logged, without secrets in it."""
        if self._pattern is None or value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {key: self.mask_all(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask_all(inner) for inner in value]
        return self.mask(value if isinstance(value, str) else repr(value))


CONFIGURED = Secrets()
"""The secrets of all settings that this process has read."""


def secrets_of(config: ClusterConfig) -> Secrets:
    """Return the secrets of one cluster."""
    secrets = Secrets()
    secrets.add(config)
    return secrets


def secret_values(config: ClusterConfig) -> list[str]:
    """Return the secrets of one cluster as they are configured, in an order of their own."""
    return sorted(set(_values(config)))


def _values(config: ClusterConfig) -> Iterator[str]:
    properties = config.properties
    for name, value in properties.items():
        if name.endswith(".url"):
            if password := urlsplit(value).password:
                yield password
        elif _SECRET_NAME.search(name):
            yield value
            # Lists of key=value, and files of many lines, of which a message may quote one.
            yield from (part for part in re.findall(r"=\s*\"?([^\s\",;]+)", value) if len(part) >= _SHORT)
            yield from (line for line in value.splitlines() if len(line) >= _LINE and not line.startswith("-----"))
    for user, password in (
        ("sasl.username", "sasl.password"),
        ("sasl.oauthbearer.client.id", "sasl.oauthbearer.client.secret"),
    ):
        if properties.get(user) and properties.get(password):
            # As HTTP's basic authentication sends both.
            yield base64.b64encode(f"{properties[user]}:{properties[password]}".encode()).decode()


def _forms_of(value: str) -> Iterable[str]:
    """Return a value as it is, as a part of an address or of a form, and as a part of JSON."""
    value = value.strip()
    escaped = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    return {form for form in (value, quote(value, safe=""), quote_plus(value), *escaped) if form}


def _expression(form: str) -> str:
    exact = re.escape(form)
    return exact if len(form) >= _SHORT else rf"(?<!\w){exact}(?!\w)"
