"""An event of a newer Annals is told from a malformed one: whoever meets it has to stop, not to set it aside."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import NewerSchemaError, canonical, decode, encode
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.registry import PAYLOADS
from contracts.unvalidated import decode_unvalidated
from tests.contracts.strategies import events

READERS = (decode, decode_unvalidated)


@pytest.mark.parametrize("read", READERS)
@given(st.sampled_from(EventType).flatmap(events), st.integers(1, 1000))
@settings(max_examples=50)
def test_a_newer_schema_version_is_named(read: Callable[[bytes], DomainEvent], event: DomainEvent, more: int) -> None:
    newest = PAYLOADS[event.event_type].schema_version
    # What else a newer version changes in the envelope or the payload cannot be known.
    fields = json.loads(encode(event)) | {"schema_version": newest + more, "event_data": {"new": 1}, "also_new": 2}
    with pytest.raises(NewerSchemaError) as refused:
        read(canonical(fields))
    assert str(refused.value) == (
        f"this process is too old: event {event.event_type} has schema version {newest + more}, "
        f"this one reads up to {newest}; update it"
    )


@pytest.mark.parametrize("read", READERS)
@given(st.sampled_from(EventType).flatmap(events), st.text(min_size=1).filter(lambda name: name not in set(EventType)))
@settings(max_examples=50)
def test_an_unknown_event_type_is_named(read: Callable[[bytes], DomainEvent], event: DomainEvent, name: str) -> None:
    with pytest.raises(NewerSchemaError, match=r"^this process is too old: it does not know the event type .*; update"):
        read(canonical(json.loads(encode(event)) | {"event_type": name}))
