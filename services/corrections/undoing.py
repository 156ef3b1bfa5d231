"""Any change that can be undone, undone by its event: a deletion, an update, what people corrected and decided."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from aggregates import document as documents
from aggregates import document_corrections as corrections
from aggregates.cause import Cause, RefusedError
from aggregates.document import Document
from aggregates.undoing import Done
from contracts.access import collection_of
from contracts.documents import (
    ChunkMerged,
    ChunkUpdated,
    DocumentContent,
    DocumentDeleted,
    DocumentUpdated,
    MentionsReassigned,
    RelationshipUpdated,
    RelationshipValidated,
    Statement,
)
from contracts.envelope import DomainEvent
from contracts.event_types import AggregateKind
from contracts.reasoning import ReasoningChainValidated
from contracts.undoing import UNDONE_BY
from eventstore.commands import Command, Commands
from eventstore.errors import MissingTextError
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from eventstore.texts import TextStore
from services.caller import Caller
from services.corrections.chains import JudgeChains
from services.corrections.chunks import CorrectChunks
from services.corrections.deciding import Corrected, check_right, unknown
from services.corrections.relations import LookingFor, Sighted
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.knowledge.entities import EntityService
from services.operations.events import sight_of
from services.positions import Position
from services.reasons import reason_of_caller


@dataclass(frozen=True, slots=True)
class Undone:
    """The event that was undone, and of what. `position`: of the last event that this took, in the log."""

    event_id: UUID
    event_type: str
    kind: AggregateKind
    aggregate_id: str
    position: int | None


@dataclass(frozen=True, slots=True)
class _Reverting:
    """A document's state with what was done to it, and one relation as it was found."""

    sighted: Sighted
    done: Done


class UndoEvents:
    """Whoever may have made a change may undo it, if he may read its event.

    Raises AccessDeniedError, NotFoundError, InvalidRequestError, RefusedError, ConflictError, InferenceError,
    StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(
        self,
        commands: Commands,
        reader: EventReader,
        texts: TextStore,
        entities: EntityService,
        chunks: CorrectChunks,
        chains: JudgeChains,
    ) -> None:
        self._commands = commands
        self._reader = reader
        self._texts = texts
        self._entities = entities
        self._chunks = chunks
        self._chains = chains

    async def undo(self, caller: Caller, event_id: UUID, *, reason: str, deadline: Deadline) -> Undone:
        """Have things as they were before this event, by a new event with the reason.

        Where something newer lies upon it, that has to be undone first. A document is processed again, and no text runs
        through a model that has seen it before.
        """
        sight = sight_of(caller, None)
        why = reason_of_caller(reason)
        if why is None:
            raise InvalidRequestError("nobody would know why; give a reason")
        async with deadline.enforce("undoing a change"):
            event = await self._reader.seen.with_id(caller.tenant, event_id, sight.collections)
        if event is None or event.event_type not in sight.types:
            raise NotFoundError(f"there is no event {event_id}; `annals history` gives those that can be undone")
        if event.event_type not in UNDONE_BY:
            raise RefusedError(_why_not(event))
        position = await self._undo(caller, event, why, deadline)
        return Undone(event_id, str(event.event_type), event.kind, event.aggregate_id, position)

    async def _undo(self, caller: Caller, event: DomainEvent, why: str, deadline: Deadline) -> int | None:
        data = event.event_data
        if event.kind == "entity":
            change = await self._entities.undo(
                caller, event.aggregate_id, version=event.aggregate_version, reason=why, deadline=deadline
            )
            return change.position
        if isinstance(data, DocumentUpdated | DocumentDeleted):
            async with deadline.enforce("undoing a change"):
                return _last(await self._restore(caller, event, why))
        if isinstance(data, RelationshipUpdated | RelationshipValidated):
            async with deadline.enforce("undoing a change"):
                return _last(await self._revert(caller, event, data, why))
        return (await self._correct(caller, event, why, deadline)).position

    async def _correct(self, caller: Caller, event: DomainEvent, why: str, deadline: Deadline) -> Corrected:
        """A chunk or a chain: what it was before follows from its own corrections."""
        data = event.event_data
        resource = "chunks" if isinstance(data, ChunkUpdated | ChunkMerged) else "reasoning"
        caller.require(resource, "write")
        async with deadline.enforce("undoing a change"):
            _, before = (await self._done(event)).below(event)
        if isinstance(data, ChunkUpdated | ChunkMerged):
            chunk_id = data.chunk.chunk_id
            return await self._chunks.undo(caller, chunk_id, reason=why, undone=event.event_id, deadline=deadline)
        assert isinstance(data, ReasoningChainValidated), "the last of those that can be undone"
        valid = before.event_data.valid if before and isinstance(before.event_data, ReasoningChainValidated) else None
        return await self._chains.judge(
            caller, event.aggregate_id, data.chain, valid=valid, reason=why, undone=event.event_id, deadline=deadline
        )

    async def _done(self, event: DomainEvent) -> Done:
        async for states in self._reader.states([AggregateKey.of(event)], Done.project):
            for state in states.values():
                return state
        raise AssertionError("it has this event")

    async def _restore(self, caller: Caller, event: DomainEvent, why: str) -> Sequence[DomainEvent]:
        """The content before, whose text is kept with the document."""
        caller.require("documents", "write")
        _, before = (await self._done(event)).below(event)
        content = None if before is None else before.event_data
        if not isinstance(content, DocumentContent):
            raise RefusedError(f"document {event.aggregate_id} held nothing before event {event.event_id}")
        await self._check_text(event, content)

        def decide(state: Reverted | None) -> Sequence[DomainEvent]:
            assert state is not None, "it has this event"
            document, done = state
            _, still = done.below(event)
            if document is None or still is None or still != before:
                raise RefusedError(f"document {event.aggregate_id} changed meanwhile; look at its history again")
            for attributes in (document.attributes, content.attributes):
                _check_writing(caller, event.aggregate_id, collection_of(attributes))
            return documents.restore(document, content, why, _cause(caller, event))

        return await self._commands.execute(Command(AggregateKey.of(event), _document_and_done, decide))

    async def _check_text(self, event: DomainEvent, content: DocumentContent) -> None:
        try:
            await self._texts.get_many([(event.tenant, event.aggregate_id, content.text.digest)])
        except MissingTextError:
            raise RefusedError(
                f"the text that document {event.aggregate_id} had before is not kept any more; take it in again"
            ) from None

    async def _revert(
        self, caller: Caller, event: DomainEvent, data: RelationshipUpdated | RelationshipValidated, why: str
    ) -> Sequence[DomainEvent]:
        """A relation, by the id that it has now, where the document states it again."""
        caller.require("relations", "write")
        (_, relation_id), _ = (await self._done(event)).below(event)
        looking = LookingFor(relation_id)

        def project(events: Iterable[DomainEvent], state: _Reverting | None = None) -> _Reverting:
            some = list(events)
            sighted = looking(some, None if state is None else state.sighted)
            return _Reverting(sighted, Done.project(some, None if state is None else state.done))

        def decide(state: _Reverting | None) -> Sequence[DomainEvent]:
            assert state is not None, "it has this event"
            document = check_right(caller, "relations", f"relation {relation_id!r}", state.sighted.document)
            thing, before = state.done.below(event)
            if thing[1] != relation_id:
                raise RefusedError(f"document {event.aggregate_id} changed meanwhile; look at its history again")
            earlier = None if before is None else before.event_data
            assert earlier is None or isinstance(earlier, RelationshipUpdated | RelationshipValidated)
            found = None if state.sighted.found is None else Statement.of(state.sighted.found)
            return corrections.revert_relationship(
                document, relation_id, data, earlier, found, _cause(caller, event), why
            )

        return await self._commands.execute(Command(AggregateKey.of(event), project, decide))


def undone_as_json(undone: Undone, shown: Callable[[int], Position]) -> dict[str, Any]:
    """As edges give it, with the position as their caller may see it."""
    position = None if undone.position is None else shown(undone.position)
    return {**asdict(undone), "event_id": str(undone.event_id), "position": position}


Reverted = tuple[Document | None, Done]


def _document_and_done(events: Iterable[DomainEvent], state: Reverted | None = None) -> Reverted:
    some = list(events)
    document, done = (None, None) if state is None else state
    return Document.project(some, document), Done.project(some, done)


def _check_writing(caller: Caller, document_id: str, collection: str) -> None:
    """Raises AccessDeniedError, NotFoundError for what he may not even read."""
    attributes = {"collection": collection}
    if not caller.access.decide("documents", "read", attributes).allowed:
        raise unknown(f"document {document_id!r}")
    caller.require("documents", "write", attributes)


def _cause(caller: Caller, event: DomainEvent) -> Cause:
    return replace(caller.cause(f"undo-{event.event_id}"), causation_id=event.event_id)


def _last(events: Sequence[DomainEvent]) -> int | None:
    return events[-1].position if events else None


_DOING: dict[str, Callable[[DomainEvent], str]] = {
    "DocumentIngested": lambda event: f"annals delete {event.aggregate_id}",
    "DocumentRestored": lambda event: (
        f"it undid event {event.causation_id}; make that change again, or: annals delete {event.aggregate_id}"
    ),
    "EntityDecisionUndone": lambda event: f"decide again; see: annals entity show {event.aggregate_id}",
    "ChunksRestored": lambda event: f"correct again; see: annals chunk list {event.aggregate_id}",
}


def _why_not(event: DomainEvent) -> str:
    """What can be done instead."""
    if isinstance(event.event_data, MentionsReassigned) and event.event_data.rules is not None:
        one, other = event.event_data.entity_id, event.event_data.into
        return f"event {event.event_id} is of rules; say that the two are one: annals entity merge {other} {one}"
    if isinstance(event.event_data, MentionsReassigned):
        return f"event {event.event_id} belongs to a split; undo that: annals entity show {event.event_data.entity_id}"
    instead = _DOING.get(event.event_type)
    if instead is None:
        return (
            f"event {event.event_id} ({event.event_type}) is nothing that somebody decided; "
            f"see what was: annals history {event.aggregate_id}"
        )
    return f"event {event.event_id} ({event.event_type}) is not undone; {instead(event)}"
