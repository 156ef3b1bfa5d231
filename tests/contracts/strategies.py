"""Hypothesis strategies for events of every type, built from the payload models themselves."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.payload import ID_BYTES, Digest, Identifier, Scalar
from contracts.registry import PAYLOADS

_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x00")
_MOMENTS = st.datetimes(
    # A day from either end, so that every offset has a UTC time.
    min_value=datetime(1, 1, 2),
    max_value=datetime(9999, 12, 30),
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


def values(annotation: Any, metadata: Iterable[Any] = ()) -> st.SearchStrategy[Any]:
    """What a field of this type takes, within its bounds."""
    if annotation == Digest:
        return st.binary(min_size=32, max_size=32).map(bytes.hex)
    if annotation == Scalar:
        whole = st.integers(-(2**63), 2**63 - 1)
        return st.none() | st.booleans() | whole | st.text(_CHARACTERS, max_size=20) | _plain(float, {})
    origin, arguments, bounds = get_origin(annotation), get_args(annotation), _bounds(metadata)
    if origin is Annotated:
        return values(arguments[0], [*arguments[1:], *metadata])
    if origin in (Union, UnionType):
        return st.one_of([values(argument) for argument in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values(arguments[0]), min_size=bounds.get("min_length", 0), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return models(annotation)
    return _plain(annotation, bounds)


@cache
def models(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Instances of a model."""
    return st.builds(
        model, **{name: values(field.annotation, field.metadata) for name, field in model.model_fields.items()}
    )


@cache
def events(event_type: EventType) -> st.SearchStrategy[DomainEvent]:
    """Whole events of one type, stored or not."""
    payload = PAYLOADS[event_type]
    return st.builds(
        DomainEvent,
        event_id=st.uuids(),
        event_type=st.just(event_type),
        schema_version=st.just(payload.schema_version),
        aggregate_id=values(Identifier),
        aggregate_version=st.integers(1, 2**31),
        event_data=models(payload),
        metadata=models(EventMetadata),
        timestamp=_MOMENTS,
        correlation_id=values(DomainEvent.model_fields["correlation_id"].annotation, _of("correlation_id")),
        causation_id=st.none() | st.uuids(),
        position=st.none() | st.integers(1, 2**63 - 1),
    )


def _of(field: str) -> list[Any]:
    return DomainEvent.model_fields[field].metadata


def _plain(annotation: Any, bounds: dict[str, Any]) -> st.SearchStrategy[Any]:
    if annotation is str:
        if "pattern" in bounds:
            longest = bounds.get("max_length", ID_BYTES)
            return st.from_regex(bounds["pattern"], fullmatch=True).filter(lambda text: len(text.encode()) <= longest)
        return st.text(_CHARACTERS, min_size=bounds.get("min_length", 0), max_size=20)
    if annotation is int:
        return st.integers(bounds.get("ge"), bounds.get("le"))
    if annotation is float:
        return st.floats(bounds.get("ge"), bounds.get("le"), allow_nan=False, allow_infinity=False)
    if annotation is bool:
        return st.booleans()
    if annotation in (None, NoneType):
        return st.none()
    raise TypeError(f"no strategy for {annotation}")


def _bounds(metadata: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in metadata:
        if isinstance(item, FieldInfo):
            found |= _bounds(item.metadata)
        for name in ("ge", "le", "min_length", "max_length", "pattern"):
            value = getattr(item, name, None)
            if value is not None:
                found[name] = value
    return found
