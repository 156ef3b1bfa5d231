"""Reading back what we wrote ourselves: no second validation of what was validated before it was stored.

Only for the event store's own bytes. What comes from anywhere else goes through `contracts.codec.decode`.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin
from uuid import UUID, SafeUUID

from pydantic import BaseModel
from pydantic_core import from_json

from contracts.brief_event import BriefEvent
from contracts.codec import canonical, decode
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import KIND_OF, EventType
from contracts.payload import fields_set
from contracts.registry import PAYLOADS
from contracts.upcasters import upcast

UUID_DIGITS = 32

Fields = dict[str, Any]
Build = Callable[[Any], Any]
Model = TypeVar("Model", bound=BaseModel)

_BY_NAME = {event_type.value: (event_type, payload) for event_type, payload in PAYLOADS.items()}
_set = object.__setattr__
# As `_set` does it, in half of the time: a replay makes an object of each of many parts.
_set_values, _set_given, _set_extra, _set_private = (
    vars(BaseModel)[name].__set__
    for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def read_json(raw: bytes) -> Any:
    """Our own JSON. Raises ValueError.

    Equal strings are one object: an event repeats the ids of its chunks and entities, and so do the rows that follow
    from it, which are handed over from process to process.
    """
    return from_json(raw, cache_strings="all")


def decode_unvalidated(raw: bytes, *, position: int | None = None, recorded_at: datetime | None = None) -> DomainEvent:
    """The same event that `decode` gives, several times faster, older schema versions too.

    Raises MalformedEventError for what has no form that we write, NewerSchemaError.
    """
    try:
        fields = read_json(raw)
    except ValueError:
        return decode(raw, position=position, recorded_at=recorded_at)  # it says what is wrong
    return decode_fields(fields, raw, position=position, recorded_at=recorded_at)


def decode_fields(
    fields: Any, raw: bytes | None = None, *, position: int | None = None, recorded_at: datetime | None = None
) -> DomainEvent:
    """The same of JSON that was read already; `raw` is its bytes, where they are as they were stored."""
    try:
        lifted = upcast(fields)
        event_type, payload = _BY_NAME[lifted["event_type"]]
        if lifted["schema_version"] == payload.schema_version:
            return _event(lifted, event_type, payload, position, recorded_at)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # the slow way says what is wrong
    return decode(canonical(fields) if raw is None else raw, position=position, recorded_at=recorded_at)


def decode_brief(fields: Any, raw: bytes | None = None, *, position: int | None = None) -> BriefEvent:
    """What a fold asks of the event that `decode_fields` gives. Raises the same."""
    try:
        lifted = upcast(fields)
        event_type, payload = _BY_NAME[lifted["event_type"]]
        if lifted["schema_version"] == payload.schema_version:
            return BriefEvent(
                lifted["metadata"]["tenant"],
                KIND_OF[event_type],
                lifted["aggregate_id"],
                lifted["aggregate_version"],
                _builder(payload)(lifted["event_data"]),
                datetime.fromisoformat(lifted["timestamp"]),
                lifted["position"] if position is None else position,
            )
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # the slow way says what is wrong
    return BriefEvent.of(decode(canonical(fields) if raw is None else raw, position=position))


def build_unvalidated(model: type[Model], fields: Fields) -> Model:
    """An instance from the JSON fields that `model_dump_json` wrote; `fields` is used up."""
    made = _builder(model)(fields)
    assert isinstance(made, model)
    return made


def _event(
    fields: Fields,
    event_type: EventType,
    payload: type[BaseModel],
    position: int | None,
    recorded_at: datetime | None,
) -> DomainEvent:
    causation = fields["causation_id"]
    event = _filled(
        DomainEvent.__new__(DomainEvent),
        {
            "event_id": _uuid(fields["event_id"]),
            "event_type": event_type,
            "schema_version": fields["schema_version"],
            "aggregate_id": fields["aggregate_id"],
            "aggregate_version": fields["aggregate_version"],
            "event_data": _builder(payload)(fields["event_data"]),
            "metadata": _builder(EventMetadata)(fields["metadata"]),
            "timestamp": datetime.fromisoformat(fields["timestamp"]),
            "correlation_id": fields["correlation_id"],
            "causation_id": None if causation is None else _uuid(causation),
            "position": fields["position"] if position is None else position,
            "recorded_at": recorded_at,
        },
        fields_set(DomainEvent),
    )
    assert isinstance(event, DomainEvent)
    return event


def _uuid(text: str) -> UUID:
    """As `UUID(text)`, which looks for every other spelling first. Raises ValueError."""
    digits = text.replace("-", "")
    if len(digits) != UUID_DIGITS or len(text) != UUID_DIGITS + 4:
        return UUID(text)
    made = UUID.__new__(UUID)
    _set(made, "int", int(digits, 16))
    _set(made, "is_safe", SafeUUID.unknown)
    return made


def _filled(made: BaseModel, values: Fields, given: set[str]) -> BaseModel:
    """As `model_construct` does, without looking for defaults: what we wrote has every field.

    All instances of a model share one set of field names: it is most of what a small one would hold.
    """
    _set_values(made, values)
    _set_given(made, given)
    _set_extra(made, None)
    _set_private(made, None)
    return made


@cache
def _builder(model: type[BaseModel]) -> Build:
    """How to build a model from its JSON: only fields that JSON spells otherwise are touched."""
    names = frozenset(model.model_fields)
    converted = {
        name: convert
        for name, field in model.model_fields.items()
        if (convert := _converter(field.annotation)) is not None
    }

    given = fields_set(model)
    new = model.__new__
    conversions = tuple(converted.items())

    def build(values: Fields) -> BaseModel:
        if values.keys() != names:
            raise ValueError("not all fields are there")
        for name, convert in conversions:
            values[name] = convert(values[name])
        # As `_filled`: a call for each of many parts is a tenth of the time.
        made = new(model)
        _set_values(made, values)
        _set_given(made, given)
        _set_extra(made, None)
        _set_private(made, None)
        return made

    return build


def _converter(annotation: Any) -> Build | None:
    """For a part its builder, for a tuple a tuple of those; None for what JSON spells as Python does."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _builder(annotation)
    if get_origin(annotation) is tuple:
        inner = _converter(get_args(annotation)[0])
        return tuple if inner is None else lambda values: tuple([inner(value) for value in values])
    if get_origin(annotation) in (Union, UnionType):
        parts = [found for one in get_args(annotation) if (found := _converter(one)) is not None]
        assert len(parts) < 2, "a part may be null, and nothing else"
        return (lambda value: None if value is None else parts[0](value)) if parts else None
    return None
