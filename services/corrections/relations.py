"""Relations: shown with their sentence, corrected, judged, and what was decided on them taken back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aggregates import document_corrections as corrections
from aggregates.document import Document, evolve
from aggregates.remembered import Judgement
from contracts.documents import (
    DocumentContent,
    DocumentReread,
    Relation,
    RelationshipsDiscovered,
    RelationshipUpdated,
    RelationshipValidated,
    Statement,
)
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.relational.reads import RelationalReader, RelationFilter, RelationRow
from projections.vector.reads import PassageReader
from services.caller import Caller
from services.corrections.deciding import (
    Corrected,
    OrphanPage,
    check_right,
    corrected_documents,
    orphan_page,
    outcome,
    unknown,
)
from services.deadline import Deadline
from services.errors import InvalidRequestError
from services.reasons import reason_of_caller

MOST_PREDICATE = 256
DECIDED = (EventType.RELATIONSHIP_UPDATED, EventType.RELATIONSHIP_VALIDATED)


@dataclass(frozen=True, slots=True)
class RelationView:
    """A relation, and what the text says there. `sentence` is None until the vector read model has its passage, and
    for whoever may not read chunks.
    """

    relation: RelationRow
    sentence: str | None


@dataclass(frozen=True, slots=True)
class OrphanedJudgement:
    """A judgement of a relation that its document does not state any more; found again, it holds again.

    `statement` is None where events of an older version do not tell it.
    """

    document_id: str
    judgement: Judgement

    def told(self) -> dict[str, Any]:
        """As edges show it."""
        judgement = self.judgement
        return {
            "document_id": self.document_id,
            "relation_id": judgement.relation_id,
            "statement": None if judgement.statement is None else judgement.statement.model_dump(),
            "predicate": judgement.predicate,
            "confidence": judgement.confidence,
            "valid": judgement.valid,
            "reason": judgement.judged_because or judgement.corrected_because,
        }


@dataclass(frozen=True, slots=True)
class Sighted:
    """A document's state, and one relation of its present content as it was found."""

    document: Document | None
    found: Relation | None


class CorrectRelations:
    """Decisions of people, which outlive the content that they were made in.

    Raises AccessDeniedError, NotFoundError, InvalidRequestError, RefusedError, ConflictError, StoreUnavailableError,
    DeadlineExceededError.
    """

    def __init__(
        self, commands: Commands, reader: EventReader, relational: RelationalReader, passages: PassageReader
    ) -> None:
        self._commands = commands
        self._reader = reader
        self._relational = relational
        self._passages = passages

    async def show(self, caller: Caller, relation_id: str, *, deadline: Deadline) -> RelationView:
        """A relation with its sentence."""
        caller.require("relations", "read")
        async with deadline.enforce("reading a relation"):
            row = await self._row(caller, relation_id)
            if row is None:
                raise unknown(f"relation {relation_id!r}")
            quoted = caller.access.reach("chunks", "read").searched
            passage = (await self._passages.passages(caller.tenant, [row.chunk_id], quoted)).get(row.chunk_id)
        sentence = None if passage is None else passage.text[row.start - passage.start : row.end - passage.start]
        return RelationView(row, sentence)

    async def correct(
        self,
        caller: Caller,
        relation_id: str,
        *,
        predicate: str | None = None,
        confidence: float | None = None,
        reason: str | None = None,
        deadline: Deadline,
    ) -> Corrected:
        """Give a relation another predicate, or confidence, or both."""
        caller.require("relations", "write")
        if predicate is None and confidence is None:
            raise InvalidRequestError("there is nothing to correct; give a predicate or a confidence")
        if predicate is not None and not 1 <= len(predicate.strip()) <= MOST_PREDICATE:
            raise InvalidRequestError(f"a predicate has 1 to {MOST_PREDICATE} characters; give another one")
        if confidence is not None and not 0 <= confidence <= 1:
            raise InvalidRequestError("a confidence is between 0 and 1; give another one")
        why = reason_of_caller(reason)

        def decide(document: Document, found: Relation) -> Sequence[DomainEvent]:
            own = document.judgements.get(document.judged_by(relation_id))
            kept = (found.predicate, found.confidence)
            if own is not None and own.predicate is not None and own.confidence is not None:
                kept = (own.predicate, own.confidence)
            wanted = (
                kept[0] if predicate is None else predicate.strip(),
                kept[1] if confidence is None else confidence,
            )
            if wanted == kept:
                return ()
            change = RelationshipUpdated(
                relation_id=relation_id,
                predicate=wanted[0],
                confidence=wanted[1],
                statement=Statement.of(found),
                reason=why,
            )
            return corrections.update_relationship(document, change, caller.cause(f"relation-{relation_id}"))

        async with deadline.enforce("correcting a relation"):
            return await self._decide(caller, relation_id, decide)

    async def judge(
        self, caller: Caller, relation_id: str, *, valid: bool, reason: str | None = None, deadline: Deadline
    ) -> Corrected:
        """Call a relation right or wrong. What is wrong is no edge of the graph, and is not counted."""
        caller.require("relations", "write")
        why = reason_of_caller(reason)

        def decide(document: Document, found: Relation) -> Sequence[DomainEvent]:
            judgement = RelationshipValidated(
                relation_id=relation_id, valid=valid, reason=why, statement=Statement.of(found)
            )
            return corrections.validate_relationship(document, judgement, caller.cause(f"relation-{relation_id}"))

        async with deadline.enforce("judging a relation"):
            return await self._decide(caller, relation_id, decide)

    async def undo(
        self, caller: Caller, relation_id: str, *, reason: str | None = None, deadline: Deadline
    ) -> Corrected:
        """Take back whatever was decided on a relation, also on one that its document does not state any more, or that
        no chunk covers since somebody gave chunks other bounds.
        """
        caller.require("relations", "write")
        why = reason_of_caller(reason)
        what = f"relation {relation_id!r}"
        async with deadline.enforce("undoing what was decided on a relation"):
            key = await self._document_of(caller, relation_id)
            key = key or await self._judged_in(caller, relation_id)
            if key is None:
                raise unknown(what)

            def decide(state: Sighted | None) -> Sequence[DomainEvent]:
                document = check_right(caller, "relations", what, None if state is None else state.document)
                found = None if state is None or state.found is None else Statement.of(state.found)
                cause = caller.cause(f"relation-{relation_id}")
                return corrections.undo_relationship(document, relation_id, found, cause, why)

            events = await self._commands.execute(Command(key, LookingFor(relation_id), decide))
        return outcome(relation_id, key.aggregate_id, events)

    async def orphaned(
        self, caller: Caller, *, after: str | None = None, limit: int = 100, deadline: Deadline
    ) -> OrphanPage[OrphanedJudgement]:
        """Judgements that wait: their documents do not state the same any more. At most `limit` behind `after`."""
        caller.require("relations", "read")
        async with deadline.enforce("listing orphaned judgements"):
            found = await self._orphaned(caller)
        return orphan_page("orphaned relations", found, _order_of, after, limit)

    async def _judged_in(self, caller: Caller, relation_id: str) -> AggregateKey | None:
        """The document where something is decided on a relation that nobody is shown."""
        reach = caller.access.reach("relations", "read")
        found = [
            AggregateKey(caller.tenant, "document", document.document_id)
            async for document in corrected_documents(
                self._reader, self._commands, caller.tenant, DECIDED, reach, of=relation_id
            )
            if document.judged_by(relation_id) in document.judgements
        ]
        return found[0] if found else None

    async def _orphaned(self, caller: Caller) -> list[OrphanedJudgement]:
        reach = caller.access.reach("relations", "read")
        found = [
            OrphanedJudgement(document.document_id, one)
            async for document in corrected_documents(self._reader, self._commands, caller.tenant, DECIDED, reach)
            for one in document.orphaned_judgements
        ]
        return sorted(found, key=_order_of)

    async def _decide(
        self, caller: Caller, relation_id: str, decision: Callable[[Document, Relation], Sequence[DomainEvent]]
    ) -> Corrected:
        what = f"relation {relation_id!r}"
        key = await self._document_of(caller, relation_id)
        if key is None:
            raise unknown(what)

        def decide(state: Sighted | None) -> Sequence[DomainEvent]:
            document = check_right(caller, "relations", what, None if state is None else state.document)
            if state is None or state.found is None:
                raise unknown(what)
            return decision(document, state.found)

        events = await self._commands.execute(Command(key, LookingFor(relation_id), decide))
        return outcome(relation_id, key.aggregate_id, events)

    async def _document_of(self, caller: Caller, relation_id: str) -> AggregateKey | None:
        row = await self._row(caller, relation_id)
        return None if row is None else AggregateKey(caller.tenant, "document", row.document_id)

    async def _row(self, caller: Caller, relation_id: str) -> RelationRow | None:
        seen = caller.access.reach("relations", "read").searched
        wanted = replace(RelationFilter(relation_id=relation_id), collections=seen)
        found = await self._relational.list_relations(caller.tenant, wanted, None, 1)
        return found[0] if found else None


def _order_of(one: OrphanedJudgement) -> tuple[str, str]:
    return one.document_id, one.judgement.relation_id


class LookingFor:
    """Folds a document, and keeps the relation of this id as the present content states it, by whichever reading."""

    def __init__(self, relation_id: str) -> None:
        self._relation_id = relation_id

    def __call__(self, events: Iterable[DomainEvent], state: Sighted | None = None) -> Sighted:
        document, found = (None, None) if state is None else (state.document, state.found)
        for event in events:
            document = evolve(document, event)
            match event.event_data:
                case DocumentContent():
                    found = None
                case RelationshipsDiscovered(relations=relations) | DocumentReread(relations=relations):
                    found = next((one for one in relations if one.relation_id == self._relation_id), found)
        return Sighted(document, found)
