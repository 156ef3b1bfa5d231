"""The public contracts as files: a JSON Schema for each event type and the inbox message, and an AsyncAPI document.

Written for producers and consumers in any language. `python -m contracts.schemas write` writes them below `docs/`,
`python -m contracts.schemas check` says which of them no longer say what the code says.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.asyncapi import asyncapi
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.inbox import InboxEvent
from contracts.payload import Payload
from contracts.registry import PAYLOADS
from contracts.topics import topics

Json = dict[str, Any]

FOLDER = Path(__file__).resolve().parent.parent / "docs"

# Draft 07 is what AsyncAPI tools read; every keyword used here means the same in later drafts.
_DRAFT = "http://json-schema.org/draft-07/schema#"
_REFERENCE = "#/definitions/{model}"


def event_schema(event_type: EventType) -> Json:
    """The whole envelope of one event type, with that type's payload as `event_data`."""
    payload = PAYLOADS[event_type]
    envelope = DomainEvent.model_json_schema(ref_template=_REFERENCE)
    inner = payload.model_json_schema(ref_template=_REFERENCE)
    definitions = envelope.pop("$defs") | inner.pop("$defs", {}) | {payload.__name__: inner}
    # The envelope names these two for any event; here the type is known.
    del definitions[Payload.__name__], definitions[EventType.__name__]
    # Beside the bytes: a header of its own says it.
    del envelope["properties"]["recorded_at"]
    envelope["properties"] |= {
        "event_type": {"const": str(event_type), "type": "string"},
        "schema_version": {"const": payload.schema_version, "type": "integer"},
        "event_data": {"$ref": _REFERENCE.format(model=payload.__name__)},
    }
    return _headed(envelope, definitions, str(event_type), payload.schema_version, payload.__doc__)


def inbox_schema() -> Json:
    """What a producer writes to the inbox topic."""
    schema = InboxEvent.model_json_schema(ref_template=_REFERENCE)
    version = schema["properties"]["schema_version"]["const"]
    return _headed(schema, schema.pop("$defs"), InboxEvent.__name__, version, InboxEvent.__doc__)


def generate() -> dict[str, str]:
    """Every file by its path below the folder. The same code always gives the same text."""
    documents = {f"schemas/{event_type}.json": event_schema(event_type) for event_type in EventType}
    documents[f"schemas/{InboxEvent.__name__}.json"] = inbox_schema()
    documents["asyncapi.json"] = asyncapi(topics())
    return {
        name: json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for name, document in documents.items()
    }


def write(folder: Path) -> None:
    """Make the folder say what the code says; schemas of what is no more are removed."""
    wanted = generate()
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    for name in _superfluous(folder, wanted):
        (folder / name).unlink()


def faults(folder: Path) -> list[str]:
    """What differs from the code, a line for each file: missing, stale or superfluous."""
    wanted = generate()
    found = []
    for name, text in sorted(wanted.items()):
        file = folder / name
        if not file.is_file():
            found.append(f"{file} is missing")
        elif file.read_bytes() != text.encode():
            found.append(f"{file} is stale")
    return found + [f"{folder / name} is superfluous" for name in _superfluous(folder, wanted)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status: 1 when `check` found something."""
    parser = argparse.ArgumentParser(prog="python -m contracts.schemas", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=["write", "check"], help="write the files, or check that they are up to date")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they lie (default: docs of this checkout)")
    given = parser.parse_args(arguments)
    if given.action == "write":
        write(given.folder)
        return 0
    found = faults(given.folder)
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print("run: python -m contracts.schemas write", file=sys.stderr)
    return 1 if found else 0


def _headed(schema: Json, definitions: Json, name: str, version: int, description: str | None) -> Json:
    return schema | {
        "$id": f"urn:annals:schema:{name}:{version}",
        "$schema": _DRAFT,
        "definitions": definitions,
        "description": description,
        "title": name,
    }


def _superfluous(folder: Path, wanted: dict[str, str]) -> list[str]:
    present = {f"schemas/{file.name}" for file in (folder / "schemas").glob("*.json")}
    return sorted(present - set(wanted))


if __name__ == "__main__":
    sys.exit(main())
