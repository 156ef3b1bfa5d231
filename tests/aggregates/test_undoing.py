"""What can be undone of a document or a question, and what is in force of it then."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from aggregates import document as documents
from aggregates.cause import Cause, RefusedError
from aggregates.document import Document
from aggregates.undoing import Done
from contracts.documents import (
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    DocumentContent,
    DocumentRestored,
    RelationshipUpdated,
    RelationshipValidated,
)
from contracts.envelope import DomainEvent
from contracts.payload import Payload
from contracts.reasoning import ReasoningChainValidated
from contracts.undoing import undone_in, with_undoing
from tests.aggregates.scenario import (
    CAUSE,
    A,
    B,
    chunk,
    chunked,
    content,
    deleted,
    given,
    ingested,
    payloads,
    processed,
    related,
    updated,
)

WRONG = RelationshipValidated(relation_id="r1", valid=False)
RIGHT = RelationshipValidated(relation_id="r1", valid=True)


def restored(digest: str) -> DocumentRestored:
    return DocumentRestored(**dict(content(digest)), reason="a mistake")


def history(*steps: Payload | tuple[Payload, int]) -> list[DomainEvent]:
    """Events from version 1 on; a pair is caused by the event of that version."""
    events = given(*(step[0] if isinstance(step, tuple) else step for step in steps))
    causes = [UUID(int=step[1]) if isinstance(step, tuple) else None for step in steps]
    return [
        event if cause is None else event.model_copy(update={"causation_id": cause})
        for event, cause in zip(events, causes, strict=True)
    ]


def below(events: Sequence[DomainEvent], version: int) -> Payload | None:
    """What is in force once the event of this version is undone."""
    _, found = Done.project(events).below(events[version - 1])
    return None if found is None else found.event_data


def refused(events: Sequence[DomainEvent], version: int) -> str:
    with pytest.raises(RefusedError) as raised:
        Done.project(events).below(events[version - 1])
    return str(raised.value)


def test_a_deletion_is_undone_to_what_the_document_held() -> None:
    events = history(ingested(A), updated(B), deleted())
    assert below(events, 3) == updated(B)
    assert below(history(ingested(A), updated(B)), 2) == ingested(A)


def test_the_newest_change_is_undone_first() -> None:
    events = history(ingested(A), updated(B), deleted())
    assert refused(events, 2) == (
        f"event {UUID(int=3)} (DocumentDeleted) came after it; undo that first: annals undo {UUID(int=3)}"
    )
    again = [*events, *history(ingested(A), updated(B), deleted(), (restored(B), 3))[3:]]
    assert below(again, 2) == ingested(A)


def test_what_was_undone_is_not_undone_again() -> None:
    events = history(ingested(A), deleted(), (restored(A), 2))
    assert f"was undone already, by event {UUID(int=3)}" in refused(events, 2)
    for by in (RelationshipUpdated(relation_id="r1", predicate="met", confidence=0.5, undone=True), None):
        undo = by or RelationshipValidated(relation_id="r1", valid=None)
        done = WRONG if by is None else RelationshipUpdated(relation_id="r1", predicate="knew", confidence=0.5)
        assert "was undone already" in refused(history(done, undo), 1)


def test_what_was_taken_in_again_cannot_be_brought_back() -> None:
    said = refused(history(ingested(A), deleted(), ingested(B)), 2)
    assert said.endswith("(DocumentIngested) came after it and cannot be undone; see: annals history d1")


def test_judgements_lie_upon_one_another() -> None:
    events = history(WRONG, RIGHT)
    assert below(events, 2) == WRONG and "undo that first" in refused(events, 1)
    assert below([*events, *history(WRONG, RIGHT, (WRONG, 2))[2:]], 1) is None
    other = RelationshipValidated(relation_id="r2", valid=False)
    assert below(history(WRONG, other), 1) is None, "another relation is another thing"
    correction = RelationshipUpdated(relation_id="r1", predicate="knew", confidence=0.5)
    assert below(history(WRONG, correction), 1) is None, "so is its predicate"


def test_a_judgement_that_is_said_again_of_other_content_is_the_same() -> None:
    again = RelationshipValidated(relation_id="r9", valid=False, earlier="r1")
    events = history(WRONG, updated(B), again)
    for version in (1, 3):
        thing, found = Done.project(events).below(events[version - 1])
        assert thing == ("judgement", "r9") and found is None


def test_a_judgement_that_was_said_again_is_undone_by_either_event() -> None:
    again = RelationshipValidated(relation_id="r9", valid=False, earlier="r1")
    undone = RelationshipValidated(relation_id="r9", valid=True)
    for by in (2, 4):
        events = history(RIGHT, WRONG, updated(B), again, (undone, by))
        assert below(events, 1) is None
        for version in (2, 4):
            assert f"was undone already, by event {UUID(int=5)}" in refused(events, version)


def test_all_that_was_decided_on_a_relation_goes_with_it_to_other_content() -> None:
    correction = RelationshipUpdated(relation_id="r1", predicate="knew", confidence=0.5)
    events = history(
        correction,
        RIGHT,
        WRONG,
        updated(B),
        correction.model_copy(update={"relation_id": "r9", "earlier": "r1"}),
        RelationshipValidated(relation_id="r9", valid=False, earlier="r9"),
    )
    for version in (3, 6):
        thing, found = Done.project(events).below(events[version - 1])
        assert thing == ("judgement", "r9") and found is not None and found.event_data == RIGHT
    assert below(events, 1) is None and below(events, 5) is None


def test_a_chunk_that_is_made_again_of_other_content_is_the_same() -> None:
    made = ChunkUpdated(content=A, replaced="k1", chunk=chunk("k9", 0, 5))
    events = history(made, updated(B), made)
    assert below(events, 1) is None and below(events, 3) is None
    back = ChunksRestored(content=B, removed="k9", restored=(chunk("k1", 0, 3),))
    both = history(made, updated(B), made, (back, 1))
    assert "was undone already" in refused(both, 1) and "was undone already" in refused(both, 3)


def test_what_people_corrected_is_gone_once_a_deleted_document_is_taken_in_anew() -> None:
    assert "not in force any more" in refused(history(ingested(A), WRONG, deleted(), ingested(A)), 2)


def test_a_chain_is_judged_as_before() -> None:
    wrong, right = (ReasoningChainValidated(chain=0, valid=valid) for valid in (False, True))
    assert below(history(wrong, right), 2) == wrong
    assert below(history(wrong), 1) is None


def test_a_restored_document_holds_what_it_held_and_remembers_what_was_corrected() -> None:
    before = Document.project(given(ingested(A), chunked(A), related(A), processed(A), WRONG))
    gone = Document.project(history(deleted()), before)
    assert gone is not None and gone.deleted and not gone.judgements
    cause = Cause(CAUSE.metadata, CAUSE.correlation_id, event_id=UUID(int=99))
    events = documents.restore(gone, content(A), "a mistake", cause)
    assert payloads(events) == [restored(A)]
    again = Document.project(events, gone)
    assert before is not None and again is not None and not again.deleted
    assert (again.title, again.text, again.uri, again.attributes) == (
        before.title,
        before.text,
        before.uri,
        before.attributes,
    )
    assert again.judgements == {key: replace(one, attached=False) for key, one in before.judgements.items()}
    anew = Document.project(history(ingested(A)), gone)
    assert anew is not None and not anew.judgements, "whoever takes it in anew begins anew"


def test_who_undid_what_is_told_of_a_history() -> None:
    merged = ChunkMerged(content=A, merged=("k1", "k2"), chunk=chunk("k9", 0, 6))
    events = history(ingested(A), merged, updated(B), (restored(A), 3))
    told = with_undoing([event.model_dump(mode="json") for event in events])
    assert [one["undone_by"] for one in told] == [None, None, str(UUID(int=4)), None]
    assert [one["undoes"] for one in told] == [None, None, None, str(UUID(int=3))]
    assert [one["can_be_undone"] for one in told] == [False, True, True, False]


@drawn(st.lists(st.sampled_from(["update", "delete", "undo"]), max_size=25), st.data())
def test_undone_in_any_order_the_content_is_that_of_what_is_left(steps: list[str], data: st.DataObject) -> None:
    """A plain list of contents says what it has to be."""
    events = history(ingested("0" * 64))
    left: list[tuple[UUID, DocumentContent | None]] = [(events[0].event_id, ingested("0" * 64))]
    undone = set[UUID]()
    for number, step in enumerate(steps, start=2):
        state = Document.project(events)
        assert state is not None
        own = UUID(int=number)
        cause = Cause(CAUSE.metadata, CAUSE.correlation_id, event_id=own)
        if step == "undo":
            event = data.draw(st.sampled_from(events))
            if len(left) == 1 or event.event_id != left[-1][0]:
                with pytest.raises(RefusedError):
                    Done.project(events).below(event)
                    raise RefusedError("what began it is refused by its type")
                continue
            _, before = Done.project(events).below(event)
            assert before is not None
            found: Any = before.event_data
            events += documents.restore(state, found, "why", replace(cause, causation_id=event.event_id))
            undone.add(left.pop()[0])
        elif state.deleted:
            continue
        elif step == "delete":
            events += documents.delete(state, None, cause)
            left.append((own, None))
        else:
            taken = content(f"{number:064d}")
            events += documents.ingest(state, "d1", taken, cause)
            left.append((own, taken))
        now = Document.project(events)
        assert now is not None and now.deleted == (left[-1][1] is None)
        if left[-1][1] is not None:
            assert now.text == left[-1][1].text
    as_json = [event.model_dump(mode="json") for event in events]
    assert set(undone_in(as_json)) == {str(one) for one in undone}
