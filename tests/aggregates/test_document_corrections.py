"""What people correct in a document: chunks given other bounds or merged, relations corrected or judged."""

from collections.abc import Callable

import pytest

from aggregates import document as documents
from aggregates.cause import RefusedError
from aggregates.document import Document
from aggregates.id_set import IdSet
from contracts.documents import Chunk, ChunkMerged, ChunkUpdated, RelationshipUpdated, RelationshipValidated
from contracts.envelope import DomainEvent
from contracts.payload import Payload
from tests.aggregates.scenario import (
    CAUSE,
    A,
    chunk,
    chunked,
    deleted,
    given,
    ingested,
    related,
    updated,
)

Decide = Callable[..., tuple[DomainEvent, ...]]
CORRECTION = RelationshipUpdated(relation_id="r1", predicate="married", confidence=0.4)
JUDGEMENT = RelationshipValidated(relation_id="r1", valid=False, reason="no source")


def state(*history: Payload) -> Document | None:
    """The document after this history."""
    return Document.project(given(*history))


def chunk_ids(document: Document | None) -> list[str]:
    """The chunks the document has now, in the order of the text."""
    assert document is not None and document.chunked is not None
    return [part.chunk_id for part in document.chunked.chunks]


def test_a_chunk_is_given_other_bounds() -> None:
    history = (ingested(), chunked())
    (event,) = documents.update_chunk(state(*history), "k2", chunk("k4", 2, 7), CAUSE)

    assert event.event_data == ChunkUpdated(content=A, replaced="k2", chunk=chunk("k4", 2, 7))
    assert chunk_ids(state(*history, event.event_data)) == ["k1", "k4", "k3"]


def test_chunks_are_merged() -> None:
    history = (ingested(), chunked())
    (event,) = documents.merge_chunks(state(*history), ("k1", "k2"), chunk("k4", 0, 6), CAUSE)

    merged = ChunkMerged(content=A, merged=("k1", "k2"), chunk=chunk("k4", 0, 6))
    assert (event.aggregate_version, event.event_data) == (3, merged)
    assert chunk_ids(state(*history, event.event_data)) == ["k4", "k3"]


def _update_chunk(document: Document | None, wanted: tuple[str, ...], part: Chunk) -> tuple[DomainEvent, ...]:
    return documents.update_chunk(document, wanted[0], part, CAUSE)


def _merge_chunks(document: Document | None, wanted: tuple[str, ...], part: Chunk) -> tuple[DomainEvent, ...]:
    return documents.merge_chunks(document, wanted, part, CAUSE)


@pytest.mark.parametrize("decide", [_update_chunk, _merge_chunks])
@pytest.mark.parametrize(
    ("history", "fault"),
    [
        ((), "the document has no chunks now"),
        ((ingested(),), "the document has no chunks now"),
        ((ingested(), chunked(), updated()), "the document has no chunks now"),
        ((ingested(), chunked(), deleted()), "the document has no chunks now"),
        ((ingested(), chunked()), "document d1 has no chunk k9"),
    ],
)
def test_chunks_that_are_not_there_stay_as_they_are(decide: Decide, history: tuple[Payload, ...], fault: str) -> None:
    with pytest.raises(RefusedError, match=fault):
        decide(state(*history), ("k9", "k1"), chunk("k4", 0, 6))


@pytest.mark.parametrize(
    ("decide", "wanted"), [(_update_chunk, ("k1",)), (_merge_chunks, ("k1", "k2"))], ids=["update", "merge"]
)
def test_a_new_chunk_never_takes_the_id_of_one_that_stays(decide: Decide, wanted: tuple[str, ...]) -> None:
    history = (ingested(), chunked())
    with pytest.raises(RefusedError, match="document d1 has another chunk k3"):
        decide(state(*history), wanted, chunk("k3", 0, 5))

    (event,) = decide(state(*history), wanted, chunk("k1", 0, 5))  # the id of one that goes is free
    assert chunk_ids(state(*history, event.event_data)).count("k1") == 1


@pytest.mark.parametrize("decide", [_update_chunk, _merge_chunks])
@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 3), (0, 11), (10, 11)])
def test_a_new_chunk_is_a_stretch_of_the_text(decide: Decide, start: int, end: int) -> None:
    with pytest.raises(RefusedError, match=f"from {start} to {end} is no stretch of a text of 10 characters"):
        decide(state(ingested(), chunked()), ("k1", "k2"), chunk("k4", start, end))


@pytest.mark.parametrize("merged", [("k1", "k1"), ("k1", "k2", "k1"), ("k1",), ()])
def test_only_two_chunks_or_more_are_merged(merged: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError, match="name two chunks or more, each once"):
        documents.merge_chunks(state(ingested(), chunked()), merged, chunk("k4", 0, 6), CAUSE)


def test_a_relation_is_corrected() -> None:
    history = (ingested(), related())
    (event,) = documents.update_relationship(state(*history), CORRECTION, CAUSE)
    document = state(*history, event.event_data)

    assert (event.aggregate_version, event.event_data) == (3, CORRECTION)
    assert document is not None and document.version == 3
    assert documents.update_relationship(document, CORRECTION, CAUSE)[0].aggregate_version == 4


def test_a_relation_is_judged_and_stays_what_it_was() -> None:
    history = (ingested(), related())
    (event,) = documents.validate_relationship(state(*history), JUDGEMENT, CAUSE)
    document = state(*history, event.event_data)

    assert (event.aggregate_version, event.event_data) == (3, JUDGEMENT)
    assert document is not None and document.related == IdSet.of(["r1", "r2"])
    assert document.version == 3


@pytest.mark.parametrize(
    ("decide", "asked"),
    [(documents.update_relationship, CORRECTION), (documents.validate_relationship, JUDGEMENT)],
)
@pytest.mark.parametrize(
    ("history", "fault"),
    [
        ((), "the document has no relations now"),
        ((ingested(), chunked()), "the document has no relations now"),
        ((ingested(), related(), updated()), "the document has no relations now"),
        ((ingested(), related(), deleted()), "the document has no relations now"),
        ((ingested(), related()), "document d1 has no relation r9"),
    ],
)
def test_relations_that_are_not_there_are_not_decided_on(
    decide: Decide, asked: Payload, history: tuple[Payload, ...], fault: str
) -> None:
    relation_id = "r9" if "r9" in fault else "r1"
    with pytest.raises(RefusedError, match=fault):
        decide(state(*history), asked.model_copy(update={"relation_id": relation_id}), CAUSE)
