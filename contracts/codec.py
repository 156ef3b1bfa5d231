"""Canonical JSON: one spelling for each event, so that equal events have equal bytes (after RFC 8785)."""

import json
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from contracts.envelope import DomainEvent
from contracts.errors import AnnalsError
from contracts.event_types import EventType
from contracts.registry import PAYLOADS
from contracts.upcasters import upcast


class MalformedEventError(AnnalsError):
    """The bytes are no event of ours; the message names what is wrong with them."""


class NewerSchemaError(AnnalsError):
    """This process is too old for an event of the log: a newer Annals wrote it; update this one."""


_NAMES_ITS_SCHEMA = ("event_type", "schema_version")
_EVENT_TYPES = frozenset(map(str, EventType))
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8, no NaN."""
    return _CANONICAL.encode(value).encode()


def encode(event: DomainEvent) -> bytes:
    """The event as canonical JSON, its position included once it has one.

    When it was recorded is not: it is known beside the bytes, and processes of before know no such field.
    """
    return canonical(event.model_dump(mode="json", exclude={"recorded_at"}))


def decode(raw: bytes, *, position: int | None = None, recorded_at: datetime | None = None) -> DomainEvent:
    """Read canonical JSON, or any JSON of the same fields; older schema versions are upcast.

    Raises MalformedEventError, NewerSchemaError.
    """
    try:
        event = DomainEvent.model_validate_json(raw)
    except ValidationError as error:
        event = _decode_older(raw, error)
    return event if position is None else event.at(position, recorded_at)


def _decode_older(raw: bytes, fault: ValidationError) -> DomainEvent:
    """Upcast and read again: only what is not of today's schema pays for a second reading."""
    try:
        fields = from_json(raw)
        check_known(fields)
        lifted = upcast(fields) if isinstance(fields, dict) else fields
        if lifted == fields:
            raise MalformedEventError(plain(fault))
        return DomainEvent.model_validate_json(canonical(lifted))
    except ValidationError as error:
        raise MalformedEventError(plain(error)) from None
    except MalformedEventError:
        raise
    except ValueError:  # not JSON at all: the first reading said so best
        raise MalformedEventError(plain(fault)) from None


def check_known(fields: Any) -> None:
    """Raises NewerSchemaError where JSON fields name an event type or a schema version that this code does not know."""
    event_type, version = (fields.get(name) if isinstance(fields, dict) else None for name in _NAMES_ITS_SCHEMA)
    if not isinstance(event_type, str) or type(version) is not int or version < 1:
        return
    check_event_type(event_type)
    newest = PAYLOADS[EventType(event_type)].schema_version
    if version > newest:
        raise NewerSchemaError(
            f"this process is too old: event {event_type} has schema version {version}, this one reads up to {newest}; "
            "update it"
        )


def check_event_type(name: str) -> None:
    """Raises NewerSchemaError for a name that is none of the event types."""
    if name not in _EVENT_TYPES:
        raise NewerSchemaError(f"this process is too old: it does not know the event type {one_step(name)}; update it")


def plain(error: ValidationError) -> str:
    """A validation error in one line: where and what, for each fault (at most five), without the input."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    named = [f"{'.'.join(map(one_step, fault['loc'])) or 'message'}: {_said(fault['msg'])}" for fault in faults[:5]]
    more = [f"and {len(faults) - 5} more"] if len(faults) > 5 else []
    return "; ".join(named + more)


def _said(message: str) -> str:
    """Without what pydantic puts before messages that are ours."""
    return message.removeprefix("Value error, ")


def one_step(step: int | str) -> str:
    """One step of a path in the input, to be shown: a name that nobody knows may be long, or hold what no log can."""
    name = str(step)
    name = name if name.isprintable() else ascii(name)
    return name if len(name) <= 64 else f"{name[:64]}..."
