"""What other models find in a document, beside what was found first; the read models' own fold of it."""

from collections.abc import Sequence

from aggregates import document as documents
from aggregates import document_corrections as corrections
from aggregates.document import Document
from contracts.documents import (
    ChunkMerged,
    ChunksRestored,
    DocumentReread,
    Mention,
    MentionsReassigned,
    Relation,
    RelationshipUpdated,
    RelationshipValidated,
    Statement,
)
from contracts.payload import Payload
from projections.document_state import DocumentState
from projections.states import fold
from tests.aggregates.scenario import (
    CAUSE,
    A,
    chunk,
    chunked,
    deleted,
    extracted,
    given,
    ingested,
    payloads,
    processed,
    related,
    updated,
)

READ = (ingested(), chunked(), extracted(), related(), processed())
(FIRST, _) = related().relations
ANEW = FIRST.model_copy(update={"relation_id": "r9", "start": 1})


def reading(*relations: Relation, chunk_id: str = "k1") -> DocumentReread:
    """One mention of Bea, by other models."""
    mention = Mention(entity_id="e7", name="Bea", type="PERSON", chunk_id=chunk_id, start=1, end=3, confidence=0.9)
    return DocumentReread(
        content=A, entity_model="ner2", relation_model="rel", mentions=(mention,), aliases=(), relations=relations
    )


def decided(result: DocumentReread, *before: Payload, version: int | None = None) -> list[Payload]:
    """What comes of it; `version`: of the document when it was read, by default as it is."""
    state = Document.project(given(*before))
    return payloads(documents.reread(state, len(before) if version is None else version, (result,), CAUSE))


def seen(*told: Payload) -> DocumentState:
    """As read models fold it."""
    state = fold(given(*told))
    assert isinstance(state, DocumentState)
    return state


def names(state: DocumentState) -> Sequence[tuple[str, str]]:
    """Entities with their chunks."""
    return [(one.entity_id, one.chunk_id) for one in state.mentions or ()]


def test_a_reading_is_accepted_once_and_of_the_document_as_it_was_read() -> None:
    assert decided(reading(), *READ) == [reading()]
    assert decided(reading(), *READ, reading()) == []
    assert decided(reading(), *READ, version=4) == []
    assert decided(reading(), *READ[:-1]) == [], "the stages have not come to its end"
    assert decided(reading(), *READ, deleted()) == []
    first = reading().model_copy(update={"entity_model": "ner"})
    assert decided(first, *READ) == [], "these models found what is there"


def test_it_goes_with_the_content_that_it_is_of() -> None:
    state = Document.project(given(*READ, reading()))
    assert state is not None and state.is_read_by("ner2", "rel") and state.is_read_by("ner", "rel")
    state = Document.project(given(*READ, reading(), updated()))
    assert state is not None and not state.is_read_by("ner2", "rel")
    assert not seen(*READ, reading(), updated()).readings


def test_judgements_are_said_again_of_what_states_the_same() -> None:
    judged = RelationshipValidated(relation_id="r1", valid=False, statement=Statement.of(FIRST))
    result, again = decided(reading(ANEW), *READ, judged)
    assert result == reading(ANEW)
    assert isinstance(again, RelationshipValidated)
    assert (again.relation_id, again.valid, again.earlier) == ("r9", False, "r1")
    state = seen(*READ, judged, result, again)
    assert [(one.relation.relation_id, one.valid) for one in state.relations or ()] == [("r1", False), ("r2", None)]
    (other,) = state.readings["ner2 | rel"].relations or ()
    assert (other.relation.relation_id, other.valid) == ("r9", False)


def test_a_generation_shows_its_reading_and_of_a_document_without_it_what_was_found_first() -> None:
    state = seen(*READ, reading())
    assert names(state.read_as("")) == names(state.read_as("ner | rel")) == [("e1", "k1")]
    assert names(state.read_as("ner2 | rel")) == [("e7", "k1")]
    assert state.stage == "processed"


def test_what_people_decide_holds_for_every_reading() -> None:
    said = MentionsReassigned(entity_id="e7", into="e8")
    assert names(seen(*READ, reading(), said).read_as("ner2 | rel")) == [("e8", "k1")]
    (meant,) = decided(reading(), *READ, said)
    assert isinstance(meant, DocumentReread) and meant.mentions[0].entity_id == "e8"


def test_chunks_that_were_not_there_when_it_was_read_hold_what_lies_within_them() -> None:
    merged = ChunkMerged(content=A, merged=("k1", "k2"), chunk=chunk("k12", 0, 6))
    back = ChunksRestored(content=A, removed="k12", restored=(chunk("k1", 0, 3), chunk("k2", 3, 6)))
    state = seen(*READ, merged, reading(ANEW.model_copy(update={"chunk_id": "k12", "end": 3}), chunk_id="k12"), back)
    other = state.read_as("ner2 | rel")
    assert names(other) == [("e7", "k1")]
    assert [one.relation.chunk_id for one in other.relations or ()] == ["k1"]
    assert names(state) == [("e1", "k1")]


def test_a_relation_that_crosses_chunks_which_are_there_again_is_in_none_of_them() -> None:
    merged = ChunkMerged(content=A, merged=("k1", "k2"), chunk=chunk("k12", 0, 6))
    back = ChunksRestored(content=A, removed="k12", restored=(chunk("k1", 0, 3), chunk("k2", 3, 6)))
    across = ANEW.model_copy(update={"chunk_id": "k12", "start": 1, "end": 5})
    other = seen(*READ, merged, reading(across, chunk_id="k12"), back).read_as("ner2 | rel")
    assert other.relations == ()
    assert [one.relation.relation_id for one in other.uncovered] == ["r9"]


JUDGED = RelationshipValidated(relation_id="r1", valid=False, statement=Statement.of(FIRST))
CORRECTED = RelationshipUpdated(
    relation_id="r1", predicate="knows", confidence=1.0, statement=Statement.of(FIRST), earlier=None
)
LESS_SURE = ANEW.model_copy(update={"confidence": 0.3})


def shown(state: DocumentState, reading: str) -> tuple[str, str, float, bool | None]:
    """The first relation of a reading: its id, predicate, confidence, and what is thought of it."""
    first, *_ = state.read_as(reading).relations or ()
    return first.relation.relation_id, first.relation.predicate, first.relation.confidence, first.valid


def test_what_is_taken_back_under_one_reading_is_taken_back_under_all() -> None:
    """Of a relation that both state, each by an id of its own."""
    history: list[Payload] = [*READ, JUDGED, CORRECTED]
    history += decided(reading(LESS_SURE), *history)
    state = seen(*history)
    assert shown(state, "ner2 | rel") == ("r9", "knows", 1.0, False)
    assert shown(state, "") == ("r1", "knows", 1.0, False)
    for relation_id, found in (("r9", LESS_SURE), ("r1", FIRST)):
        document = Document.project(given(*history))
        undone = corrections.undo_relationship(document, relation_id, Statement.of(found), CAUSE)
        state = seen(*history, *payloads(undone))
        assert shown(state, "") == ("r1", FIRST.predicate, FIRST.confidence, None)
        assert shown(state, "ner2 | rel") == ("r9", FIRST.predicate, 0.3, None)


def test_what_is_decided_under_the_former_reading_holds_under_both() -> None:
    history: list[Payload] = [*READ, JUDGED]
    history += decided(reading(ANEW), *history)
    document = Document.project(given(*history))
    anew = JUDGED.model_copy(update={"valid": True})
    history += payloads(corrections.validate_relationship(document, anew, CAUSE))
    assert shown(seen(*history), "")[3] is True and shown(seen(*history), "ner2 | rel")[3] is True
    document = Document.project(given(*history))
    assert document is not None and [one.valid for one in document.judgements.values()] == [True]
    assert corrections.validate_relationship(document, anew, CAUSE) == ()


def test_each_reading_has_back_what_it_found() -> None:
    same = LESS_SURE.model_copy(update={"relation_id": "r1"})
    history = (*READ, reading(same), CORRECTED, CORRECTED.model_copy(update={"confidence": 0.3, "undone": True}))
    assert shown(seen(*history), "") == ("r1", FIRST.predicate, FIRST.confidence, None)
    assert shown(seen(*history), "ner2 | rel") == ("r1", FIRST.predicate, 0.3, None)
