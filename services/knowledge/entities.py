"""What people decide on entities: their names, who is the same as whom, what is none."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from uuid import uuid4

from pydantic import ValidationError

from aggregates import document as documents
from aggregates import entity as decisions
from aggregates.cause import Cause, RefusedError
from aggregates.document import Document
from aggregates.entity import Entity
from contracts.codec import plain
from contracts.documents import MentionsReassigned
from contracts.entities import EntityMerged, EntitySplit, EntityUpdated, EntityValidated
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.text import is_blank
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.names import turn_of
from eventstore.pool import PostgresPool, turn
from eventstore.reader import EventReader
from projections.relational.entity_lookup import EntityLookup, FoundEntity
from services.caller import Caller
from services.cursors import decoded, encoded
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.knowledge.views import EntityChange, EntityDetail, Member, made_decisions
from services.knowledge.which import entity_meant
from services.reasons import reason_of_caller
from services.storage.lookup import find_aggregate

MOST_DOCUMENTS = 500
"""That are split off at once."""
PAGE = 500
Decide = Callable[[Entity | None], tuple[DomainEvent, ...]]


class EntityService:
    """An entity is given by its id or by any of its names. Who decides has to see all documents of the tenant.

    Every method raises AccessDeniedError, NotFoundError, AmbiguousNameError, RefusedError, InvalidRequestError,
    ConflictError, StoreUnavailableError, DeadlineExceededError. Read models follow: `position` of what they give says
    how far they have to be.
    """

    def __init__(self, commands: Commands, reader: EventReader, lookup: EntityLookup, pool: PostgresPool) -> None:
        """`pool`: of the event store, for turns."""
        self._commands = commands
        self._reader = reader
        self._lookup = lookup
        self._pool = pool

    async def show(
        self, caller: Caller, entity: str, *, after: str | None = None, limit: int = 100, deadline: Deadline
    ) -> EntityDetail:
        """It, every decision on it, and of what was merged into it at most `limit` behind the cursor `after`.

        Raises WrongCursorError.
        """
        caller.require_everything("entities", "read")
        behind = None if after is None else tuple(decoded("members", after, 2))
        async with deadline.enforce("showing an entity"):
            tenant = caller.tenant
            found = await entity_meant(self._lookup, tenant, entity, itself=False)
            members = await self._lookup.members(tenant, found.entity_id, behind, limit + 1)
            counts = await self._lookup.counted_together(tenant, found.entity_id)
            events = await self._reader.of_aggregate(tenant, "entity", found.entity_id)
        mentions, named_by = counts or (found.mentions, found.documents)
        return EntityDetail(
            entity_id=found.entity_id,
            name=found.name,
            type=found.type,
            mentions=mentions,
            documents=named_by,
            valid=found.valid,
            aliases=decisions.present(Entity.project(events)).aliases,
            members=[Member(one.entity_id, one.name) for one in members[:limit]],
            decisions=made_decisions(events),
            next=encoded("members", members[limit - 1].name, members[limit - 1].entity_id)
            if len(members) > limit
            else None,
        )

    async def rename(
        self,
        caller: Caller,
        entity: str,
        *,
        name: str | None = None,
        kind: str | None = None,
        reason: str | None = None,
        deadline: Deadline,
    ) -> EntityChange:
        """Set name, type, or both, whatever documents say."""
        caller.require_everything("entities", "write")
        reason = reason_of_caller(reason)
        if not name and not kind:
            raise InvalidRequestError("a new name or a new type is needed; give one of them")
        _check_seen(name, "the name")
        _check_seen(kind, "the type")
        return await self._on_one(
            caller,
            entity,
            "renaming an entity",
            deadline,
            lambda own, cause: lambda state: decisions.rename(state, own, name, kind, reason, cause),
        )

    async def add_alias(
        self, caller: Caller, entity: str, alias: str, *, reason: str | None = None, deadline: Deadline
    ) -> EntityChange:
        """One more name that it is found by."""
        caller.require_everything("entities", "write")
        reason = reason_of_caller(reason)
        _check_seen(alias, "the alias")
        return await self._on_one(
            caller,
            entity,
            "adding an alias",
            deadline,
            lambda own, cause: lambda state: decisions.add_alias(state, own, alias, reason, cause),
        )

    async def remove_alias(
        self, caller: Caller, entity: str, alias: str, *, reason: str | None = None, deadline: Deadline
    ) -> EntityChange:
        """One name less, of those that people gave it."""
        caller.require_everything("entities", "write")
        reason = reason_of_caller(reason)
        return await self._on_one(
            caller,
            entity,
            "removing an alias",
            deadline,
            lambda own, cause: lambda state: decisions.remove_alias(state, own, alias, reason, cause),
        )

    async def validate(
        self,
        caller: Caller,
        entity: str,
        *,
        valid: bool,
        confidence: float = 1.0,
        reason: str | None = None,
        deadline: Deadline,
    ) -> EntityChange:
        """Say that it is a real one, or none."""
        caller.require_everything("entities", "write")
        reason = reason_of_caller(reason)
        with _checked():
            judgement = EntityValidated(valid=valid, confidence=confidence, reason=reason)
        return await self._on_one(
            caller,
            entity,
            "judging an entity",
            deadline,
            lambda own, cause: lambda state: decisions.validate(state, own, judgement, cause),
        )

    async def merge(
        self, caller: Caller, entity: str, into: str, *, reason: str | None = None, deadline: Deadline
    ) -> EntityChange:
        """Say that the first is the same as the second, with all that was merged into it; it goes by the second's name.

        Who is the same already stays as he is. Raises RefusedError for a circle.
        """
        caller.require_everything("entities", "write")
        reason = reason_of_caller(reason)
        async with deadline.enforce("merging entities"), self._turn(caller.tenant):
            one = await entity_meant(self._lookup, caller.tenant, entity, itself=True)
            other = await entity_meant(self._lookup, caller.tenant, into, itself=True)
            way, others_way = [await self._way(caller.tenant, end.entity_id) for end in (one, other)]
            if one.entity_id == other.entity_id:
                raise RefusedError(f"{one.name} ({one.entity_id}) cannot be merged into itself; name two entities")
            if one.entity_id in others_way:
                raise RefusedError(
                    f"{one.name} cannot be merged into {other.name}, which was merged into it; "
                    f"undo that first: annals entity undo {other.entity_id}"
                )
            if way[-1] == others_way[-1]:
                return EntityChange(way[-1], one.name, None, way[-1])
            with _checked():
                merged = EntityMerged(into=other.entity_id, reason=reason)
            source, cause = way[-1], _cause(caller)
            events = await self._decided(
                [self._command(caller, source, lambda state: decisions.merge(state, source, merged, cause))]
            )
            return _change(source, one.name, events, others_way[-1])

    async def split(
        self,
        caller: Caller,
        entity: str,
        documents_named: Sequence[Sequence[str]] = (),
        *,
        name: str | None = None,
        reason: str | None = None,
        deadline: Deadline,
    ) -> EntityChange:
        """Take out what these documents say of it, into a new entity; without documents, undo its own merge.

        Each document is given by the names it may go by. `name`: what the new one is called, where that is not what
        the documents call it.
        """
        caller.require_everything("entities", "write")
        reason = reason_of_caller(reason)
        _check_seen(name, "the name")
        if len(documents_named) > MOST_DOCUMENTS:
            raise InvalidRequestError(
                f"{len(documents_named)} documents are named and the limit is {MOST_DOCUMENTS}; split several times"
            )
        async with deadline.enforce("splitting an entity"), self._turn(caller.tenant):
            found = await entity_meant(self._lookup, caller.tenant, entity, itself=True)
            if not documents_named:
                return await self._part(caller, found, reason)
            wanted = [
                (await find_aggregate(self._reader, caller, names, ["document"])).aggregate_id
                for names in documents_named
            ]
            own = await self._named_by(caller.tenant, found, wanted)
            into, cause = str(uuid4()), _cause(caller)
            with _checked():
                split = EntitySplit(into=into, reason=reason)
                meant = MentionsReassigned(entity_id=own, into=into, reason=reason)
                named = EntityUpdated(name=name, reason=reason) if name else None
            commands = [
                self._command(caller, own, lambda state: decisions.split(state, own, split, cause)),
                *self._reassigned(caller, list(dict.fromkeys(wanted)), meant, cause),
            ]
            if named is not None:
                commands.append(self._command(caller, into, lambda state: decisions.update(state, into, named, cause)))
            return _change(own, found.name, await self._decided(commands), into)

    async def undo(
        self,
        caller: Caller,
        entity: str,
        *,
        version: int | None = None,
        reason: str | None = None,
        deadline: Deadline,
    ) -> EntityChange:
        """Undo a decision on it, the last one that is in force where no version is given."""
        caller.require_everything("entities", "write")
        reason = reason_of_caller(reason)
        async with deadline.enforce("undoing a decision"), self._turn(caller.tenant):
            found = await self._decided_on(caller.tenant, entity)
            own = found.entity_id
            state = await self._state(caller.tenant, own)
            at, undone = decisions.undoable(state, own, version)
            event = await self._decision(caller.tenant, own, at)
            cause = _undoing(caller, event)
            with _checked():
                commands = [self._command(caller, own, lambda now: decisions.undo(now, own, version, reason, cause))]
                if isinstance(undone, EntitySplit):
                    await self._refuse_if_grown(caller.tenant, undone.into)
                    back = MentionsReassigned(entity_id=undone.into, into=own, reason=reason)
                    commands += [
                        *self._reassigned(caller, await self._split_off(event, undone.into), back, cause),
                        self._command(
                            caller, undone.into, lambda now: decisions.undo_all(now, undone.into, reason, cause)
                        ),
                    ]
            events = await self._decided(commands)
            return _change(own, found.name, events, getattr(undone, "into", None))

    async def _part(self, caller: Caller, found: FoundEntity, reason: str | None) -> EntityChange:
        """Undo the merge of one that is merged."""
        own = found.entity_id
        state = await self._state(caller.tenant, own)
        merged = [] if state is None else [at for at, one in state.decisions.made if isinstance(one, EntityMerged)]
        if state is not None and state.decisions.assigned is not None and not merged:
            merged = [state.decisions.assigned[0]]
        if not merged:
            raise InvalidRequestError(
                f"{found.name} was merged into nothing; name the documents that mean another one (--document)"
            )
        cause = _undoing(caller, await self._decision(caller.tenant, own, merged[-1]))
        events = await self._decided(
            [self._command(caller, own, lambda now: decisions.undo(now, own, merged[-1], reason, cause))]
        )
        return _change(own, found.name, events, None)

    async def _decision(self, tenant: str, entity: str, version: int) -> DomainEvent:
        (event,) = await self._reader.seen.of_aggregate(AggregateKey(tenant, "entity", entity), None, version - 1, 1)
        return event

    async def _split_off(self, split: DomainEvent, into: str) -> list[str]:
        """The documents of a split, but for those that were erased since: what was decided with it says which."""
        assert split.position is not None, "it comes from the log"
        found, after = list[str](), split.position
        while events := await self._reader.seen.of_request(
            split.tenant, split.correlation_id, [EventType.MENTIONS_REASSIGNED], None, after, PAGE
        ):
            for event in events:
                assert event.position is not None
                after = event.position
                if isinstance(event.event_data, MentionsReassigned) and event.event_data.into == into:
                    found.append(event.aggregate_id)
        return list(dict.fromkeys(found))

    async def _named_by(self, tenant: str, found: FoundEntity, wanted: Sequence[str]) -> str:
        """Whose mentions these documents have: its own, or those of one that was merged into it.

        Raises NotFoundError for a document that has none, RefusedError where they are several's.
        """
        members = {one.entity_id: one.name for one in await self._lookup.members(tenant, found.entity_id)}
        naming = await self._lookup.naming(tenant, {found.entity_id, *members}, wanted)
        for document_id in wanted:
            if document_id not in {one for _, one in naming}:
                raise NotFoundError(
                    f"document {document_id!r} says nothing of {found.name}; see: annals show {found.entity_id}"
                )
        owners = sorted({own for own, _ in naming})
        if len(owners) > 1:
            raise RefusedError(
                f"these documents speak of {found.name} as {len(owners)} entities that were merged; "
                f"split one of them: {', '.join(owners)}"
            )
        return owners[0]

    async def _refuse_if_grown(self, tenant: str, split_off: str) -> None:
        """Raises RefusedError where others were merged into what was split off, or it was split itself."""
        state = await self._state(tenant, split_off)
        members = await self._lookup.members(tenant, split_off)
        if members or (state is not None and state.decisions.splits):
            raise RefusedError(
                f"entity {split_off} came of that split, and was split or merged with since; undo that first: "
                f"annals entity show {split_off}"
            )

    async def _decided_on(self, tenant: str, entity: str) -> FoundEntity:
        """As `entity_meant`; of several of this name the one that somebody decided on, where there is one."""
        called = await self._lookup.called(tenant, entity)
        if len(called) > 1 and all(one.entity_id != entity for one in called):
            states = [await self._state(tenant, one.entity_id) for one in called]
            decided = [
                one for one, state in zip(called, states, strict=True) if state is not None and state.decisions.made
            ]
            if len(decided) == 1:
                return decided[0]
        return await entity_meant(self._lookup, tenant, entity, itself=True)

    async def _on_one(
        self, caller: Caller, entity: str, doing: str, deadline: Deadline, deciding: Callable[[str, Cause], Decide]
    ) -> EntityChange:
        async with deadline.enforce(doing), self._turn(caller.tenant):
            found = await entity_meant(self._lookup, caller.tenant, entity, itself=False)
            decide = deciding(found.entity_id, _cause(caller))
            events = await self._decided([self._command(caller, found.entity_id, decide)])
        return _change(found.entity_id, found.name, events, None)

    @contextlib.asynccontextmanager
    async def _turn(self, tenant: str) -> AsyncIterator[None]:
        """Nobody else decides on the tenant's entities until the block ends: two could merge each other."""
        async with turn(self._pool, turn_of(tenant)):
            yield

    async def _way(self, tenant: str, entity: str) -> list[str]:
        """It, and what it became, merge by merge, as the log has it; each once."""
        way = [entity]
        while (state := await self._state(tenant, way[-1])) is not None and state.merged_into is not None:
            if state.merged_into in way:
                break
            way.append(state.merged_into)
        return way

    async def _state(self, tenant: str, entity: str) -> Entity | None:
        key = AggregateKey(tenant, "entity", entity)
        return Entity.project((await self._reader.of_aggregates([key])).get(key, ()))

    def _command(self, caller: Caller, entity: str, decide: Decide) -> Command:
        return Command(AggregateKey(caller.tenant, "entity", entity), Entity.project, decide)

    def _reassigned(
        self, caller: Caller, named: Sequence[str], change: MentionsReassigned, cause: Cause
    ) -> list[Command]:
        return [
            Command(
                AggregateKey(caller.tenant, "document", one),
                Document.project,
                lambda state: documents.reassign(state, change, cause),
            )
            for one in named
        ]

    async def _decided(self, commands: Sequence[Command]) -> list[DomainEvent]:
        with _checked():
            return [event for events in await self._commands.execute_many(commands) for event in events]


def _check_seen(given: str | None, what: str) -> None:
    """Raises InvalidRequestError for what nobody can see."""
    if given is not None and is_blank(given):
        raise InvalidRequestError(f"{what} holds nothing that can be seen; give another one")


@contextlib.contextmanager
def _checked() -> Iterator[None]:
    """What no payload can hold is a wrong request. Raises InvalidRequestError."""
    try:
        yield
    except ValidationError as error:
        raise InvalidRequestError(plain(error)) from None


def _change(entity: str, name: str, events: Sequence[DomainEvent], into: str | None) -> EntityChange:
    positions = [event.position for event in events if event.position is not None]
    return EntityChange(entity, name, max(positions, default=None), into)


def _cause(caller: Caller) -> Cause:
    return caller.cause(f"entity-{uuid4()}")


def _undoing(caller: Caller, undone: DomainEvent) -> Cause:
    """The decision is what its undoing follows from."""
    return replace(_cause(caller), causation_id=undone.event_id)
