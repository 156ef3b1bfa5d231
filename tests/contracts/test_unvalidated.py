"""The fast way back from the store gives the very event that the checked way gives."""

import copy
import json
import pickle
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.brief_event import BriefEvent
from contracts.codec import MalformedEventError, decode, encode
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.unvalidated import decode_brief, decode_unvalidated, read_json
from tests.contracts.strategies import events


@given(st.sampled_from(EventType).flatmap(events))
@settings(max_examples=100)
def test_is_what_decode_gives(event: DomainEvent) -> None:
    raw = encode(event)
    read = decode_unvalidated(raw)
    assert read == decode(raw) == event
    assert encode(read) == raw
    assert type(read.event_data) is type(event.event_data)
    assert read.model_dump() == event.model_dump()


@given(st.sampled_from(EventType).flatmap(events))
@settings(max_examples=50)
def test_a_brief_event_is_of_the_whole_one(event: DomainEvent) -> None:
    raw = encode(event)
    assert decode_brief(read_json(raw), raw, position=7) == BriefEvent.of(event.at(7))
    assert decode_brief(read_json(raw)) == BriefEvent.of(event)


@given(st.sampled_from(EventType).flatmap(events))
@settings(max_examples=20)
def test_sets_the_position(event: DomainEvent) -> None:
    assert decode_unvalidated(encode(event), position=7) == decode(encode(event), position=7)


@given(st.sampled_from(EventType).flatmap(events))
@settings(max_examples=50)
def test_what_lacks_a_field_is_refused_as_ever(event: DomainEvent) -> None:
    fields = json.loads(encode(event))
    fields.pop("aggregate_id")
    with pytest.raises(MalformedEventError, match="aggregate_id"):
        decode_unvalidated(json.dumps(fields).encode())


@given(st.uuids(), st.uuids())
@settings(max_examples=50)
def test_ids_are_the_very_ids(event_id: UUID, causation_id: UUID) -> None:
    event = decode_unvalidated(_raw(event_id=str(event_id), causation_id=str(causation_id)))
    for read, wanted in ((event.event_id, event_id), (event.causation_id, causation_id)):
        assert (read, hash(read), str(read), repr(read)) == (wanted, hash(wanted), str(wanted), repr(wanted))
        assert pickle.loads(pickle.dumps(read)) == copy.deepcopy(read) == wanted


@pytest.mark.parametrize("wrong", ["", "6f1c1d9e", "g" * 36, "6f1c1d9e-5d0c-4a6e-9a53-0d7f3f1f2a1g", "6" * 37])
def test_what_is_no_id_is_refused(wrong: str) -> None:
    with pytest.raises(MalformedEventError, match="event_id"):
        decode_unvalidated(_raw(event_id=wrong))


@pytest.mark.parametrize("count", [10, 16_384])
def test_json_has_equal_strings_once_whatever_its_size(count: int) -> None:
    value = {"names": ["Ada", "Zürich", "a" * 40] * count, "at": [1, 2.5, None, True]}
    read = read_json(json.dumps(value).encode())
    assert read == value
    assert len({id(name) for name in read["names"]}) == 3


def _raw(**fields: object) -> bytes:
    event = {
        "event_id": "6f1c1d9e-5d0c-4a6e-9a53-0d7f3f1f2a11",
        "event_type": "DocumentDeleted",
        "schema_version": 1,
        "aggregate_id": "letters/17",
        "aggregate_version": 2,
        "event_data": {},
        "metadata": {"tenant": "default", "actor": "cli", "source": "cli"},
        "timestamp": "2026-01-02T03:04:05Z",
        "correlation_id": "c",
        "causation_id": None,
        "position": None,
    }
    return json.dumps(event | fields).encode()


def test_an_older_schema_version_is_upcast() -> None:
    fields = {
        "event_id": "6f1c1d9e-5d0c-4a6e-9a53-0d7f3f1f2a11",
        "event_type": "DocumentIngested",
        "schema_version": 1,
        "aggregate_id": "letters/17",
        "aggregate_version": 1,
        "event_data": {
            "title": "Letter 17",
            "digest": "0" * 64,
            "characters": 3,
            "bytes": 3,
            "uri": None,
            "attributes": {},
        },
        "metadata": {"tenant": "default", "actor": "cli", "source": "cli"},
        "timestamp": "2026-01-02T03:04:05Z",
        "correlation_id": "c",
        "causation_id": None,
        "position": None,
    }
    raw = json.dumps(fields).encode()
    assert decode_unvalidated(raw) == decode(raw)
    assert decode_unvalidated(raw).schema_version == 2
    assert decode_brief(json.loads(raw), raw) == decode_brief(json.loads(raw)) == BriefEvent.of(decode(raw))


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"event_type": "Nothing"}'])
def test_what_is_no_event_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedEventError):
        decode_unvalidated(raw)
    with pytest.raises(MalformedEventError):
        decode_brief(None, raw)
