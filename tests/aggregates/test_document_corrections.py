"""What people correct in a document: chunks given other bounds or merged, relations corrected or judged."""

from collections.abc import Callable, Sequence

import pytest

from aggregates import document as documents
from aggregates import document_corrections as corrections
from aggregates.cause import RefusedError
from aggregates.document import Document
from aggregates.id_set import IdSet
from contracts.documents import (
    Chunk,
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    RelationshipsDiscovered,
    RelationshipUpdated,
    RelationshipValidated,
    Statement,
)
from contracts.envelope import DomainEvent
from contracts.payload import Payload
from tests.aggregates.scenario import (
    CAUSE,
    A,
    B,
    chunk,
    chunked,
    deleted,
    given,
    ingested,
    payloads,
    processed,
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
    (event,) = corrections.update_chunk(state(*history), "k2", chunk("k4", 2, 7), CAUSE)

    assert event.event_data == ChunkUpdated(content=A, replaced="k2", chunk=chunk("k4", 2, 7))
    assert chunk_ids(state(*history, event.event_data)) == ["k1", "k4", "k3"]


def test_chunks_are_merged() -> None:
    history = (ingested(), chunked())
    (event,) = corrections.merge_chunks(state(*history), ("k1", "k2"), chunk("k4", 0, 6), CAUSE)

    merged = ChunkMerged(content=A, merged=("k1", "k2"), chunk=chunk("k4", 0, 6))
    assert (event.aggregate_version, event.event_data) == (3, merged)
    assert chunk_ids(state(*history, event.event_data)) == ["k4", "k3"]


def _update_chunk(document: Document | None, wanted: tuple[str, ...], part: Chunk) -> tuple[DomainEvent, ...]:
    return corrections.update_chunk(document, wanted[0], part, CAUSE)


def _merge_chunks(document: Document | None, wanted: tuple[str, ...], part: Chunk) -> tuple[DomainEvent, ...]:
    return corrections.merge_chunks(document, wanted, part, CAUSE)


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
        corrections.merge_chunks(state(ingested(), chunked()), merged, chunk("k4", 0, 6), CAUSE)


def test_a_relation_is_corrected() -> None:
    history = (ingested(), related())
    (event,) = corrections.update_relationship(state(*history), CORRECTION, CAUSE)
    document = state(*history, event.event_data)

    assert (event.aggregate_version, event.event_data) == (3, CORRECTION)
    assert document is not None and document.version == 3
    assert corrections.update_relationship(document, CORRECTION, CAUSE)[0].aggregate_version == 4


def test_a_relation_is_judged_and_stays_what_it_was() -> None:
    history = (ingested(), related())
    (event,) = corrections.validate_relationship(state(*history), JUDGEMENT, CAUSE)
    document = state(*history, event.event_data)

    assert (event.aggregate_version, event.event_data) == (3, JUDGEMENT)
    assert document is not None and document.related == IdSet.of(["r1", "r2"])
    assert document.version == 3


@pytest.mark.parametrize(
    ("decide", "asked"),
    [(corrections.update_relationship, CORRECTION), (corrections.validate_relationship, JUDGEMENT)],
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


def last(history: tuple[Payload, ...], events: Sequence[DomainEvent]) -> Document:
    """The document after this history and these events."""
    document = state(*history, *payloads(events))
    assert document is not None
    return document


def stated(*relations: tuple[str, str, str, str]) -> RelationshipsDiscovered:
    """Relations (id, subject, predicate, object)."""
    first = related().relations[0]
    return related(B).model_copy(
        update={
            "relations": tuple(
                first.model_copy(
                    update={
                        "relation_id": relation_id,
                        "subject_id": subject.lower(),
                        "subject": subject,
                        "predicate": predicate,
                        "object_id": obj.lower(),
                        "object": obj,
                    }
                )
                for relation_id, subject, predicate, obj in relations
            )
        }
    )


MET, LEFT = ("r1", "Ada", "met", "Bob"), ("r2", "Ada", "left", "Bob")
BEFORE = (ingested(), stated(MET, LEFT))
FOUND = {relation.relation_id: Statement.of(relation) for relation in stated(MET, LEFT).relations}
JUDGED = (
    RelationshipUpdated(relation_id="r1", predicate="married", confidence=0.9, statement=FOUND["r1"], reason="letter"),
    RelationshipValidated(relation_id="r1", valid=True, statement=FOUND["r1"], reason="register"),
    RelationshipValidated(relation_id="r2", valid=False, statement=FOUND["r2"], reason="no source"),
)


def discovered_again(history: tuple[Payload, ...], *found: tuple[str, str, str, str]) -> list[Payload]:
    """What completion says before it calls the new content processed, where these were found in it."""
    document = state(*history, updated(), stated(*found))
    assert document is not None
    of = min(document.present)
    *again, result = payloads(documents.complete(document, of, processed(B), CAUSE))
    assert result == processed(B)
    return again


def test_a_judgement_stays_with_the_same_statement_in_new_content() -> None:
    """At another place in the text a relation has another id; it is known by what it states."""
    moved, other = ("r7", *MET[1:]), ("r8", "Ada", "knew", "Bob")
    again = discovered_again((*BEFORE, *JUDGED), other, moved)

    found = Statement.of(stated(moved).relations[0])
    assert again == [
        JUDGED[0].model_copy(update={"relation_id": "r7", "statement": found, "earlier": "r1"}),
        JUDGED[1].model_copy(update={"relation_id": "r7", "statement": found, "earlier": "r7"}),
    ]
    document = state(*BEFORE, *JUDGED, updated(), stated(other, moved), *again, processed(B))
    assert document is not None
    assert {key: (one.predicate, one.valid) for key, one in document.judgements.items() if one.attached} == {
        "r7": ("married", True)
    }
    assert [one.relation_id for one in document.orphaned_judgements] == ["r2"]


def test_an_orphaned_judgement_finds_its_statement_when_it_comes_back() -> None:
    gone = (*BEFORE, *JUDGED, updated(), stated(), processed(B))
    document = state(*gone)
    assert document is not None
    assert [one.relation_id for one in document.orphaned_judgements] == ["r1", "r2"]

    again = discovered_again((*gone,), LEFT)
    assert again == [JUDGED[2].model_copy(update={"earlier": "r2"})]


def test_a_judgement_waits_until_the_content_is_processed() -> None:
    document = state(*BEFORE, *JUDGED, updated(), stated())
    assert document is not None and document.orphaned_judgements == () and len(document.judgements) == 2


def test_two_judgements_of_the_same_statement_stay_two() -> None:
    twice = ("r3", *MET[1:])
    history = (
        ingested(),
        stated(MET, twice),
        RelationshipValidated(relation_id="r1", valid=True, statement=FOUND["r1"]),
        RelationshipValidated(relation_id="r3", valid=False, statement=FOUND["r1"]),
    )
    again = discovered_again(history, ("r8", *MET[1:]), ("r9", *MET[1:]))
    assert [(one.relation_id, one.valid) for one in again if isinstance(one, RelationshipValidated)] == [
        ("r8", True),
        ("r9", False),
    ]
    # The one that is where it was keeps its own; the other one is orphaned, and takes nothing from it.
    (kept,) = discovered_again(history, twice)
    assert isinstance(kept, RelationshipValidated) and (kept.relation_id, kept.valid) == ("r3", False)


def test_judgements_of_an_older_version_are_known_by_the_relations_id_alone() -> None:
    history = (*BEFORE, RelationshipValidated(relation_id="r1", valid=False))
    assert discovered_again(history, ("r7", *MET[1:])) == []
    (kept,) = discovered_again(history, MET)
    assert isinstance(kept, RelationshipValidated) and (kept.relation_id, kept.valid) == ("r1", False)


def test_nothing_is_remembered_of_a_document_that_was_deleted() -> None:
    document = state(*BEFORE, *JUDGED, deleted(), ingested())
    assert document is not None and (document.judgements, document.recuts) == ({}, ())


def test_what_was_decided_on_a_relation_is_undone() -> None:
    history = (*BEFORE, *JUDGED)
    events = corrections.undo_relationship(state(*history), "r1", FOUND["r1"], CAUSE, "wrong register")

    corrected, judged = payloads(events)
    assert corrected == RelationshipUpdated(
        relation_id="r1", predicate="met", confidence=0.8, statement=FOUND["r1"], undone=True, reason="wrong register"
    )
    assert judged == RelationshipValidated(relation_id="r1", valid=None, statement=FOUND["r1"], reason="wrong register")
    assert list(last(history, events).judgements) == ["r2"]
    with pytest.raises(RefusedError, match="nobody decided on relation r1"):
        corrections.undo_relationship(last(history, events), "r1", None, CAUSE)


def test_an_orphaned_judgement_is_taken_back() -> None:
    history = (*BEFORE, *JUDGED, updated(), stated(), processed(B))
    events = corrections.undo_relationship(state(*history), "r2", None, CAUSE, "over")
    assert [one.relation_id for one in last(history, events).orphaned_judgements] == ["r1"]


def test_the_same_judgement_again_changes_nothing() -> None:
    assert corrections.validate_relationship(state(*BEFORE, *JUDGED), JUDGED[2], CAUSE) == ()
    other = JUDGED[2].model_copy(update={"valid": True})
    assert len(corrections.validate_relationship(state(*BEFORE, *JUDGED), other, CAUSE)) == 1


UPDATED = ChunkUpdated(content=A, replaced="k1", chunk=chunk("k4", 0, 4), reason="whole sentence")
MERGED = ChunkMerged(content=A, merged=("k4", "k2"), chunk=chunk("k5", 0, 6))


def test_corrections_of_chunks_are_undone_the_last_one_first() -> None:
    history = (ingested(), chunked(), UPDATED, MERGED)
    with pytest.raises(RefusedError, match="chunk k4 was itself corrected since"):
        corrections.restore_chunks(state(*history), "k4", CAUSE)

    events = corrections.restore_chunks(state(*history), "k5", CAUSE, "two things")
    assert payloads(events) == [
        ChunksRestored(content=A, removed="k5", restored=(chunk("k4", 0, 4), chunk("k2", 3, 6)), reason="two things")
    ]
    document = last(history, events)
    assert chunk_ids(document) == ["k4", "k2", "k3"]

    then = (*history, *payloads(events))
    assert chunk_ids(last(then, corrections.restore_chunks(document, "k4", CAUSE))) == ["k1", "k2", "k3"]
    with pytest.raises(RefusedError, match="nobody made chunk k9"):
        corrections.restore_chunks(document, "k9", CAUSE)


def test_corrections_of_chunks_wait_for_content_that_has_the_chunks_again() -> None:
    history = (ingested(), chunked(), UPDATED, updated(), chunked(B))
    document = state(*history, processed(B))
    assert document is not None
    assert [one.chunk.chunk_id for one in document.orphaned_recuts] == ["k4"]

    forgotten = corrections.restore_chunks(document, "k4", CAUSE)
    assert payloads(forgotten) == [ChunksRestored(content=B, removed="k4", restored=())]
    after = last((*history, processed(B)), forgotten)
    assert (after.recuts, chunk_ids(after)) == ((), ["k1", "k2", "k3"])

    waiting = state(*history)
    assert waiting is not None and waiting.orphaned_recuts == ()
    again = UPDATED.model_copy(update={"content": B})
    events = documents.complete(waiting, min(waiting.present), processed(B), CAUSE, (again,))
    assert payloads(events) == [again, processed(B)]
    attached = last(history, events)
    assert (attached.orphaned_recuts, chunk_ids(attached)) == ((), ["k4", "k2", "k3"])
