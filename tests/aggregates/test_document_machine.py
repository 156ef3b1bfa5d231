"""The Document under any order of commands, stale and repeated ones among them (Hypothesis state machine)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aggregates import document as documents
from aggregates import document_corrections as corrections
from aggregates.cause import Cause, RefusedError
from aggregates.document import Document, evolve
from contracts import limits
from contracts.documents import RelationshipUpdated, RelationshipValidated, StageResult
from contracts.envelope import DomainEvent
from contracts.parts import split
from contracts.payload import Payload
from tests.aggregates.scenario import CAUSE, A, B, chunk, chunked, content, extracted, processed, related

Decide = Callable[..., Sequence[DomainEvent]]
STAGES: dict[str, tuple[Decide, Callable[..., Payload]]] = {
    "chunk": (documents.chunk, chunked),
    "entities": (documents.extract_entities, extracted),
    "relations": (documents.discover_relationships, related),
    "complete": (documents.complete, processed),
}
NEVER = UUID(int=0)
JUDGED = RelationshipUpdated | RelationshipValidated
DIGESTS = (A, B, "c" * 64)
Correct = Callable[[Document | None, Cause], Sequence[DomainEvent]]
CORRECTIONS: list[Correct] = [
    lambda state, cause: corrections.update_chunk(state, "k2", chunk("k2", 2, 7), cause),
    lambda state, cause: corrections.merge_chunks(state, ("k1", "k2"), chunk("k1", 0, 6), cause),
    lambda state, cause: corrections.update_relationship(
        state, RelationshipUpdated(relation_id="r1", predicate="married", confidence=0.4), cause
    ),
    lambda state, cause: corrections.validate_relationship(
        state, RelationshipValidated(relation_id="r2", valid=True), cause
    ),
]


class DocumentMachine(RuleBasedStateMachine):
    """Keeps the state event by event, beside a model of it: present content, its events, the stages done."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[DomainEvent] = []
        self.state: Document | None = None
        self.present: str | None = None
        self.present_ids: set[UUID] = set()
        self.done: set[str] = set()
        self.judged: set[str] = set()
        self.waiting: set[str] = set()

    @property
    def cause(self) -> Cause:
        """The next event's id is its number, so that Hypothesis can run an example again; unlike those of parts."""
        return replace(CAUSE, event_id=UUID(int=len(self.history) + 1))

    def append(self, events: Sequence[DomainEvent]) -> None:
        """What a store would do with a decision."""
        for event in events:
            self.history.append(event)
            self.state = evolve(self.state, event)
            # Of a result in parts only the last speaks for the content.
            if not isinstance(event.event_data, StageResult) or event.event_data.is_last:
                self.present_ids.add(event.event_id)

    @rule(digest=st.sampled_from(DIGESTS))
    def ingest(self, digest: str) -> None:
        """Take in new, changed or the same content."""
        events = documents.ingest(self.state, "d1", content(digest), self.cause)
        if digest == self.present:
            assert events == ()
            return
        (event,) = events
        assert event.event_type == ("DocumentIngested" if self.present is None else "DocumentUpdated")
        self.present, self.present_ids, self.done = digest, set(), set()
        self.waiting = set(self.judged)
        self.append(events)

    @precondition(lambda self: self.present is not None)
    @rule(stage=st.sampled_from(sorted(STAGES)), data=st.data())
    def fresh_result(self, stage: str, data: st.DataObject) -> None:
        """A stage worked on an event of the present content: accepted the first time, with what people said of it."""
        decide, result = STAGES[stage]
        of = data.draw(st.sampled_from(sorted(self.present_ids)), label="of")
        events = decide(self.state, of, result(self.present), self.cause)
        first = stage not in self.done
        again = self.waiting if first and stage == "complete" and "relations" in self.done else set()
        assert len(events) == (len(parts_of(result(self.present))) if first else 0) + len(again)
        self.done.add(stage)
        self.waiting -= again
        self.append(events)

    @rule(stage=st.sampled_from(sorted(STAGES)), data=st.data())
    def stale_result(self, stage: str, data: st.DataObject) -> None:
        """A stage worked on what is gone, or on an event that was never stored."""
        decide, result = STAGES[stage]
        stale = [event.event_id for event in self.history if event.event_id not in self.present_ids]
        of = data.draw(st.sampled_from([*stale, NEVER]), label="of")
        assert decide(self.state, of, result(data.draw(st.sampled_from(DIGESTS), label="content")), self.cause) == ()

    @rule()
    def delete(self) -> None:
        """Delete what is there; nothing happens when nothing is."""
        events = documents.delete(self.state, None, self.cause)
        assert len(events) == (self.present is not None)
        self.append(events)
        self.present, self.present_ids, self.done = None, set(), set()
        self.judged, self.waiting = set(), set()

    @rule(correct=st.sampled_from(CORRECTIONS))
    def correct(self, correct: Correct) -> None:
        """People correct chunks and relations: refused, or one event; the same judgement again is none."""
        try:
            events = correct(self.state, self.cause)
        except RefusedError:
            return
        assert self.present is not None and self.done & {"chunk", "relations"}
        assert len(events) == 1 or self.judged >= {"r2"}
        self.append(events)
        self.judged |= {event.event_data.relation_id for event in events if isinstance(event.event_data, JUDGED)}

    @invariant()
    def versions_have_no_gaps(self) -> None:
        """From 1, one by one."""
        assert [event.aggregate_version for event in self.history] == list(range(1, len(self.history) + 1))

    @invariant()
    def folding_everything_gives_the_state(self) -> None:
        """The log alone is enough, read in one go or page by page."""
        assert Document.project(self.history) == self.state
        half = len(self.history) // 2
        assert Document.project(self.history[half:], Document.project(self.history[:half])) == self.state

    @invariant()
    def the_state_agrees_with_the_model(self) -> None:
        """What is there, and which stages are done with it."""
        if self.state is None:
            assert not self.history
            return
        assert self.state.deleted == (self.present is None)
        assert self.state.present == self.present_ids
        if self.present is not None:
            assert self.state.text.digest == self.present
            assert set(self.state.judgements) == self.judged
            orphaned = {one.relation_id for one in self.state.orphaned_judgements}
            assert orphaned == (self.waiting if "complete" in self.done else set())
            finished = (self.state.chunked, self.state.extracted, self.state.related, self.state.processed)
            assert [stage for stage, result in zip(STAGES, finished, strict=True) if result] == [
                stage for stage in STAGES if stage in self.done
            ]

    @invariant()
    def a_deleted_document_accepts_nothing_but_ingest(self) -> None:
        """Whatever is tried."""
        if self.state is None or not self.state.deleted:
            return
        for decide, result in STAGES.values():
            for event in self.history:
                assert decide(self.state, event.event_id, result(), self.cause) == ()
        for correct in CORRECTIONS:
            try:
                correct(self.state, self.cause)
            except RefusedError as refused:
                assert str(refused).startswith("the document has no ")
            else:
                raise AssertionError("a deleted document was corrected")
        assert documents.delete(self.state, None, self.cause) == ()
        assert len(documents.ingest(self.state, "d1", content(), self.cause)) == 1


def parts_of(result: Payload) -> Sequence[Payload]:
    """The events that a result takes."""
    return split(result) if isinstance(result, StageResult) else (result,)


class DocumentInPartsMachine(DocumentMachine):
    """The same, where no item of a result fits into an event together with another."""

    def __init__(self) -> None:
        super().__init__()
        self._usual, limits.PART_BYTES = limits.PART_BYTES, 1

    def teardown(self) -> None:
        """For the tests behind this one."""
        limits.PART_BYTES = self._usual


TestDocumentMachine = DocumentMachine.TestCase
TestDocumentInPartsMachine = DocumentInPartsMachine.TestCase
TestDocumentMachine.settings = TestDocumentInPartsMachine.settings = settings(max_examples=50, stateful_step_count=40)
