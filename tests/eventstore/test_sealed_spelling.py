"""A sealed event is spelled canonically, as one in the clear is, with all that its envelope says in the clear."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from contracts.codec import canonical, encode
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from eventstore.sealed_events import StreamKey, opened, seal_event
from tests.contracts.strategies import events

KEY = StreamKey("k1", bytes(32))
SEALED = st.sampled_from((EventType.DOCUMENT_INGESTED, EventType.DOCUMENT_DELETED, EventType.REASONING_QUERY_EXECUTED))


@settings(max_examples=60)
@given(SEALED.flatmap(events), st.uuids())
def test_it_is_canonical_and_whole(event: DomainEvent, stream: UUID) -> None:
    state, _ = seal_event(event, stream, KEY)
    fields = from_json(state)

    assert canonical(fields) == state
    assert set(fields) == set(DomainEvent.model_fields) - {"recorded_at"}
    assert canonical(opened(fields, KEY.secret)) == encode(event)
