"""The Document's decisions: given these events, when this is asked, then these events follow."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from aggregates.id_set import IdSet
from contracts import ids, limits
from contracts.codec import canonical
from contracts.documents import DocumentContent, StageResult
from contracts.envelope import DomainEvent, EventMetadata
from contracts.payload import Payload, Scalar
from tests.aggregates.scenario import (
    CAUSE,
    B,
    chunked,
    content,
    deleted,
    extracted,
    given,
    ingested,
    payloads,
    processed,
    related,
    text,
    updated,
)

Decide = Callable[..., Sequence[DomainEvent]]
STAGES: list[tuple[Decide, Callable[..., Payload]]] = [
    (documents.chunk, chunked),
    (documents.extract_entities, extracted),
    (documents.discover_relationships, related),
    (documents.complete, processed),
]


def state(*history: Payload) -> Document | None:
    """The document after this history."""
    return Document.project(given(*history))


def test_nothing_happened_to_a_document_that_never_was() -> None:
    assert state() is None


def test_a_new_document_is_ingested() -> None:
    (event,) = documents.ingest(None, "d1", content(), CAUSE)
    assert (event.aggregate_id, event.aggregate_version, event.event_data) == ("d1", 1, ingested())


def test_the_same_again_changes_nothing() -> None:
    assert documents.ingest(state(ingested(), chunked()), "d1", content(), CAUSE) == ()


@pytest.mark.parametrize(
    "change",
    [{"title": "Other"}, {"text": text(B)}, {"uri": None}, {"attributes": {"year": 2025}}, {"attributes": {}}],
)
def test_a_change_of_anything_is_an_update(change: dict[str, Any]) -> None:
    asked = content().model_copy(update=change)
    (event,) = documents.ingest(state(ingested(), chunked()), "d1", asked, CAUSE)

    assert event.event_type == "DocumentUpdated"
    assert event.aggregate_version == 3
    assert isinstance(event.event_data, DocumentContent)
    assert event.event_data.model_dump() == asked.model_dump()


@pytest.mark.parametrize(("was", "asked"), [(1, True), (1, 1.0), (0, False), (1.0, True)])
def test_another_kind_of_value_is_an_update_though_python_calls_it_equal(was: Scalar, asked: Scalar) -> None:
    before = ingested().model_copy(update={"attributes": {"year": was}})
    again = content().model_copy(update={"attributes": {"year": was}})
    change = content().model_copy(update={"attributes": {"year": asked}})

    assert documents.ingest(state(before), "d1", again, CAUSE) == ()
    (event,) = documents.ingest(state(before), "d1", change, CAUSE)
    assert isinstance(event.event_data, DocumentContent)
    assert canonical(event.event_data.attributes) == canonical({"year": asked})


def test_an_update_may_return_to_what_was() -> None:
    assert payloads(documents.ingest(state(ingested(), updated()), "d1", content(), CAUSE)) == [
        updated(content().text.digest)
    ]


def test_a_deleted_document_may_be_taken_in_again() -> None:
    (event,) = documents.ingest(state(ingested(), deleted()), "d1", content(), CAUSE)
    assert (event.aggregate_version, event.event_data) == (3, ingested())


@pytest.mark.parametrize(("decide", "result"), STAGES)
def test_a_stage_result_is_accepted_once(decide: Decide, result: Callable[..., Payload]) -> None:
    (event,) = decide(state(ingested()), UUID(int=1), result(), CAUSE)
    assert (event.aggregate_version, event.event_data) == (2, result())
    assert decide(state(ingested(), result()), UUID(int=1), result(), CAUSE) == ()


@pytest.mark.parametrize(("decide", "result"), STAGES)
@pytest.mark.parametrize(
    ("history", "of"),
    [
        ((), 1),  # never taken in
        ((ingested(), updated()), 1),  # changed since
        ((ingested(), deleted()), 1),  # deleted since
        ((ingested(), deleted()), 2),  # worked on the deletion itself
        ((ingested(), deleted(), ingested()), 1),  # taken in anew: other work for the same content
        ((ingested(),), 9),  # somebody else's event
    ],
)
def test_a_stale_stage_result_changes_nothing(
    decide: Decide, result: Callable[..., Payload], history: tuple[Payload, ...], of: int
) -> None:
    assert decide(state(*history), UUID(int=of), result(), CAUSE) == ()


@pytest.mark.parametrize(("decide", "result"), STAGES)
def test_a_stage_runs_again_for_changed_content(decide: Decide, result: Callable[..., Payload]) -> None:
    (event,) = decide(state(ingested(), result(), updated()), UUID(int=3), result(B), CAUSE)
    assert (event.aggregate_version, event.event_data) == (4, result(B))


def test_a_stage_may_work_on_an_earlier_stages_result() -> None:
    (event,) = documents.discover_relationships(state(ingested(), extracted()), UUID(int=2), related(), CAUSE)
    assert event.event_data == related()


@pytest.mark.parametrize("history", [(ingested(),), (ingested(), updated(), processed())])
def test_what_is_there_can_be_deleted(history: tuple[Payload, ...]) -> None:
    (event,) = documents.delete(state(*history), "asked for", CAUSE)
    assert (event.aggregate_version, event.event_data) == (len(history) + 1, deleted())


@pytest.mark.parametrize("history", [(), (ingested(), deleted())])
def test_what_is_not_there_needs_no_deletion(history: tuple[Payload, ...]) -> None:
    assert documents.delete(state(*history), "asked for", CAUSE) == ()


def test_changed_content_starts_over_and_deletion_leaves_nothing_present() -> None:
    full = (ingested(), chunked(), extracted(), related(), processed())
    before, changed, gone = state(*full), state(*full, updated()), state(*full, deleted())

    assert before is not None and changed is not None and gone is not None
    assert (before.chunked, before.processed) == (chunked(), processed())
    assert (changed.chunked, changed.extracted, changed.related, changed.processed) == (None, None, None, None)
    assert changed.present == {UUID(int=6)}
    assert (gone.deleted, gone.present, gone.version) == (True, frozenset(), 6)


def test_an_event_says_why_it_happened() -> None:
    cause = Cause(
        metadata=EventMetadata(tenant="acme", actor="ada", source="test"),
        correlation_id="c7",
        causation_id=UUID(int=3),
        event_id=UUID(int=4),
        timestamp=datetime(2024, 5, 1, tzinfo=UTC),
    )
    (event,) = documents.ingest(None, "d1", content(), cause)

    assert (event.tenant, event.metadata.actor, event.correlation_id) == ("acme", "ada", "c7")
    assert (event.causation_id, event.event_id, event.timestamp) == (
        cause.causation_id,
        cause.event_id,
        cause.timestamp,
    )


@pytest.mark.parametrize(("decide", "result"), STAGES[:3])
def test_a_result_too_large_for_one_event_comes_in_parts_with_ids_of_their_own(
    decide: Decide, result: Callable[..., StageResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = UUID(int=99)
    (alone,) = decide(state(ingested()), UUID(int=1), result(), replace(CAUSE, event_id=first))
    monkeypatch.setattr(limits, "PART_BYTES", 1)
    events = decide(state(ingested()), UUID(int=1), result(), replace(CAUSE, event_id=first))

    assert len(events) > 1
    assert [event.aggregate_version for event in events] == list(range(2, 2 + len(events)))
    # The first part has the id that the whole result would have, the others their own, and always the same ones.
    assert [event.event_id for event in events] == [ids.part_id(first, n) for n in range(1, len(events) + 1)]
    assert events[0].event_id == alone.event_id == first
    assert len({event.event_id for event in events}) == len(events)
    done = Document.project([*given(ingested()), *events])
    assert done is not None and done.version == events[-1].aggregate_version
    whole = state(ingested(), result())
    assert whole is not None
    assert (done.chunked, done.extracted, done.related) == (whole.chunked, whole.extracted, whole.related)
    assert decide(done, UUID(int=1), result(), CAUSE) == ()


def test_of_what_was_found_the_ids_stay() -> None:
    document = state(ingested(), extracted(), related())
    assert document is not None and document.extracted is not None and document.related is not None
    assert (document.extracted.count, document.related.count) == (1, 2)
    assert [one in document.related for one in ("r1", "r2", "r3")] == [True, True, False]


def test_the_next_stage_follows_the_last_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PART_BYTES", 1)
    parts = documents.chunk(state(ingested()), UUID(int=1), chunked(), CAUSE)
    done = Document.project([*given(ingested()), *parts])
    assert done is not None
    assert [done.is_present(event.event_id) for event in parts] == [False, False, True]
    assert documents.extract_entities(done, parts[0].event_id, extracted(), CAUSE) == ()
    assert documents.extract_entities(done, parts[-1].event_id, extracted(), CAUSE)


def test_new_content_forgets_parts_of_the_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PART_BYTES", 1)
    parts = payloads(documents.chunk(state(ingested()), UUID(int=1), chunked(), CAUSE))
    changed = state(ingested(), parts[0], updated())
    assert changed is not None and changed.parts == () and changed.chunked is None


def test_an_older_log_may_have_chunks_of_a_document_that_is_processed_by_another_embedder() -> None:
    """They are the same chunks, so what was found in them holds."""
    before = given(ingested(), chunked(), extracted(), related(), processed())
    other = chunked().model_copy(update={"embedder": "other@2"})
    after = Document.project([*before, *CAUSE.events((other, processed()), before[0].aggregate_id, len(before) + 1)])
    assert after is not None and after.chunked is not None
    assert (after.chunked.embedder, after.version) == ("other@2", 7)
    assert (after.extracted, after.processed) == (IdSet.of(["e1"]), processed())
