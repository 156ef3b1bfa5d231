"""A JSON Schema validator for the keywords our schemas use, and no others, so that no promise goes unchecked."""

import json
import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
# Said to people, or to tools that make up examples: they constrain nothing.
_REMARKS = {"$id", "$schema", "default", "definitions", "description", "format", "title"}


def faults(schema: dict[str, Any], value: Any, root: dict[str, Any] | None = None, at: str = "$") -> Iterator[str]:
    """Where and why `value` is not what `schema` says. Raises KeyError for a keyword unknown here."""
    root = root or schema
    if "$ref" in schema:  # draft 07: whatever stands beside a reference says nothing
        yield from faults(root["definitions"][schema["$ref"].removeprefix("#/definitions/")], value, root, at)
        return
    for keyword in schema.keys() - _REMARKS:
        check = _CHECKS[keyword]
        yield from (f"{at}: {keyword}" for _ in range(not check(schema[keyword], value, schema, root)))
    yield from _inside(schema, value, root, at)


def _inside(schema: dict[str, Any], value: Any, root: dict[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, dict):
        known, other = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            inner = known.get(name, other)
            if isinstance(inner, dict):
                yield from faults(inner, item, root, f"{at}.{name}")
            if "propertyNames" in schema:
                yield from faults(schema["propertyNames"], name, root, f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from faults(schema["items"], item, root, f"{at}[{index}]")


def _is_type(name: str, value: Any) -> bool:
    if isinstance(value, bool):  # Python's bool is an int; JSON's is not
        return name == "boolean"
    return isinstance(value, _TYPES[name])


def _is_number(value: Any) -> bool:
    return _is_type("number", value)


_CHECKS: dict[str, Any] = {
    "additionalProperties": lambda other, value, schema, _: (
        other is not False or not isinstance(value, dict) or set(value) <= set(schema["properties"])
    ),
    "anyOf": lambda options, value, _, root: any(not list(faults(option, value, root)) for option in options),
    "const": lambda const, value, *_: json.dumps(const) == json.dumps(value),
    "enum": lambda options, value, *_: value in options,
    "items": lambda *_: True,
    "maxLength": lambda limit, value, *_: not isinstance(value, str) or len(value) <= limit,
    "maximum": lambda limit, value, *_: not _is_number(value) or value <= limit,
    "maxItems": lambda limit, value, *_: not isinstance(value, list) or len(value) <= limit,
    "minItems": lambda limit, value, *_: not isinstance(value, list) or len(value) >= limit,
    "minLength": lambda limit, value, *_: not isinstance(value, str) or len(value) >= limit,
    "minimum": lambda limit, value, *_: not _is_number(value) or value >= limit,
    "pattern": lambda pattern, value, *_: not isinstance(value, str) or re.search(pattern, value) is not None,
    "properties": lambda *_: True,
    "propertyNames": lambda *_: True,
    "required": lambda names, value, *_: not isinstance(value, dict) or set(names) <= set(value),
    "type": lambda name, value, *_: _is_type(name, value),
}
