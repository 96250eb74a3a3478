"""The types of the API's bodies, as the console's scripts are checked with them, made from the OpenAPI document.

`python -m tests.support.console_types` writes them; a test says when that is to be done.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from service.api.documentation import openapi_document
from service.app import create_app
from service.settings.model import load_settings

CONSOLE = Path(__file__).parents[2] / "service" / "console"
TYPES = CONSOLE / "api" / "bodies.d.ts"

_HEAD = "/** Bodies of the API: made of its OpenAPI document by `python -m tests.support.console_types`. */\n"
_PLAIN = {"string": "string", "boolean": "boolean", "number": "number", "null": "null"}


def document() -> dict[str, Any]:
    """Return the OpenAPI document of a service that never starts."""
    variables = {"RESEND_AUTH__TOKEN_DIGEST": "0" * 64, "RESEND_KAFKA__BOOTSTRAP_SERVERS": "localhost:9092"}
    return openapi_document(create_app(load_settings(variables)))


def long_names() -> set[str]:
    """Return the names of fields that json.js reads as BigInt."""
    listed = re.search(r"LONGS = new Set\(\[(.*?)\]\)", (CONSOLE / "api" / "json.js").read_text("utf-8"), re.DOTALL)
    assert listed is not None
    return set(re.findall(r'"(\w+)"', listed[1]))


def rendered(schemas: dict[str, Any], longs: set[str]) -> str:
    """Return TypeScript's declarations of schemas.

    Args:
        schemas: by name, as the document's components have them.
        longs: names of fields whose integers are BigInt.
    """
    parts = [_HEAD]
    for name, schema in sorted(schemas.items()):
        required = schema.get("required", ())
        lines = [f"export interface {name} {{"]
        for field, part in schema["properties"].items():
            if "description" in part:
                lines.append(f"  /** {part['description']} */")
            lines.append(
                f"  {field}{'' if field in required else '?'}: {_type(part, 'bigint' if field in longs else 'number')};"
            )
        parts.append(_comment(schema) + "\n".join([*lines, "}\n"]))
    return "\n".join(parts)


def _comment(schema: dict[str, Any]) -> str:
    first = schema.get("description", "").partition("\n\n")[0].replace("\n", " ")
    return f"/** {first} */\n" if first else ""


def _type(part: dict[str, Any], integer: str) -> str:
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    if "anyOf" in part:
        return " | ".join(_type(each, integer) for each in part["anyOf"])
    if "const" in part or "enum" in part:
        return " | ".join(json.dumps(value) for value in part.get("enum", [part.get("const")]))
    if part["type"] == "array":
        item = _type(part["items"], integer)
        return f"({item})[]" if "|" in item else f"{item}[]"
    if part["type"] == "object":
        values = part.get("additionalProperties")
        return f"Record<string, {_type(values, integer) if values else 'unknown'}>"
    return {**_PLAIN, "integer": integer}[part["type"]]


if __name__ == "__main__":
    TYPES.write_text(rendered(document()["components"]["schemas"], long_names()), "utf-8")
