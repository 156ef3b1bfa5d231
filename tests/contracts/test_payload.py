"""What every string of a payload is held to: PostgreSQL must keep it, and UTF-8 must spell it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.codec import canonical, encode
from contracts.documents import EntitiesExtracted
from contracts.envelope import EventMetadata
from contracts.event_types import EventType
from contracts.payload import ID_BYTES, Attributes, Identifier, Name, Scalar, storable
from contracts.registry import PAYLOADS
from tests.contracts.strategies import events

ATTRIBUTES: TypeAdapter[dict[str, Scalar]] = TypeAdapter(Attributes)


def spoilt(node: Any, spoil: str) -> Iterator[Any]:
    """The JSON value as often as it holds strings, one of them spoilt each time."""
    if isinstance(node, str):
        yield spoil
    elif isinstance(node, dict):
        for name, item in node.items():
            yield from (node | {name: other} for other in spoilt(item, spoil))
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from ([*node[:index], other, *node[index + 1 :]] for other in spoilt(item, spoil))


@pytest.mark.parametrize("event_type", EventType)
@settings(max_examples=5)
@given(data=st.data())
def test_no_string_of_any_event_holds_what_cannot_be_stored(event_type: EventType, data: st.DataObject) -> None:
    fields = json.loads(encode(data.draw(events(event_type))))
    for model, part in ((PAYLOADS[event_type], fields["event_data"]), (EventMetadata, fields["metadata"])):
        assert model.model_validate(part)
        for spoil in ("a\x00b", "a\ud800b"):
            for bad in spoilt(part, spoil):
                with pytest.raises(ValidationError):
                    model.model_validate(bad)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("ab\x00", "holds a NUL character at 2; send text, not binary data"),
        ("a\ud800b", "holds half a surrogate pair at 1; send text that is Unicode"),
        ("\U0001f30d\udc00", "holds half a surrogate pair at 1"),
    ],
)
def test_the_fault_is_plain(value: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        storable(value)


@pytest.mark.parametrize("value", ["", "\u0141\u00f3d\u017a \U0001f30d", "\ud7ff\ue000\uffff", "a\tb\x01", 7, None])
def test_what_can_be_stored_stays_as_it_is(value: object) -> None:
    assert storable(value) is value


@pytest.mark.parametrize("attributes", [{"\x00": 1}, {"\ud800": 1}, {"a": "\x00"}, {"a": "\ud800"}])
def test_attributes_hold_nothing_that_cannot_be_stored(attributes: dict[str, Scalar]) -> None:
    with pytest.raises(ValidationError, match=r"holds a NUL|holds half"):
        ATTRIBUTES.validate_python(attributes, strict=True)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_a_number_that_other_readers_would_change_is_refused(number: int) -> None:
    with pytest.raises(ValidationError, match="whole number of more than 64 bits; send it as text"):
        ATTRIBUTES.validate_python({"a": number}, strict=True)


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), True, 1, 1.0, -0.0, 5e-324, 1.7976931348623157e308, "1", None])
def test_an_attribute_keeps_its_kind_and_its_bits(value: Scalar) -> None:
    (read,) = ATTRIBUTES.validate_json(canonical({"a": value}), strict=True).values()
    assert (type(read), repr(read)) == (type(value), repr(value))


@pytest.mark.parametrize("character", ["x", "\u00fc", "\u5317", "\U0001f30d"])
def test_an_id_is_bounded_in_bytes(character: str) -> None:
    """Two of them and a tenant are one key of a B-tree in PostgreSQL, which refuses more than about 2,700 bytes."""
    ids: TypeAdapter[str] = TypeAdapter(Identifier)
    longest = character * (ID_BYTES // len(character.encode()))
    assert ids.validate_python(longest) == longest
    with pytest.raises(ValidationError, match="at most 1024"):
        ids.validate_python(longest + character)


@pytest.mark.parametrize("number", [2**31, -1, 1.0, True])
def test_a_place_in_a_text_is_what_a_column_holds(number: Any) -> None:
    mention: dict[str, Any] = {"entity_id": "e", "name": "Ada", "type": "PERSON", "chunk_id": "k", "confidence": 0.5}
    fields = {"content": "a" * 64, "model": "m", "aliases": []}

    assert EntitiesExtracted.model_validate(fields | {"mentions": [mention | {"start": 0, "end": 2**31 - 1}]})
    with pytest.raises(ValidationError, match="end"):
        EntitiesExtracted.model_validate(fields | {"mentions": [mention | {"start": 0, "end": number}]})


def test_the_schema_says_that_nul_is_refused() -> None:
    assert TypeAdapter(Name).json_schema() == {
        "maxLength": 1024,
        "minLength": 1,
        "pattern": r"^[^\x00]*$",
        "type": "string",
    }
