"""What differs between read models as of two positions, and which event made the difference."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from contracts.envelope import DomainEvent
from contracts.event_types import CONTENT_TYPES, EventType
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.changes import types_of
from projections.relational.differences import GenerationDifferences, Kind, Row
from projections.relational.model import LAYOUT
from services.caller import Caller
from services.cursors import decoded, encoded
from services.deadline import Deadline
from services.past.generations import LIVE, PastGenerations

KINDS: tuple[Kind, ...] = ("documents", "entities", "relations")
DOCUMENT_TYPES, ENTITY_TYPES = types_of(["document"]), types_of(["entity"])
DOCUMENTS_LOOKED_AT = 100
"""Of those that name an entity, for the event that made it differ."""
FOUND = (
    EventType.ENTITIES_EXTRACTED,
    EventType.MENTIONS_REASSIGNED,
    EventType.RELATIONSHIPS_DISCOVERED,
    EventType.DOCUMENT_REREAD,
    EventType.DOCUMENT_DELETED,
)
STATED = (
    EventType.RELATIONSHIPS_DISCOVERED,
    EventType.RELATIONSHIP_UPDATED,
    EventType.RELATIONSHIP_VALIDATED,
    EventType.DOCUMENT_REREAD,
    EventType.DOCUMENT_DELETED,
)


@dataclass(frozen=True, slots=True)
class MadeBy:
    """The event that made a difference: the last one between both positions that can have."""

    position: int
    event_id: str
    event_type: str
    aggregate_id: str
    actor: str
    recorded_at: datetime

    @classmethod
    def of(cls, event: DomainEvent) -> "MadeBy":
        """What is told of it."""
        assert event.position is not None and event.recorded_at is not None
        return cls(
            event.position,
            str(event.event_id),
            event.event_type,
            event.aggregate_id,
            event.metadata.actor,
            event.recorded_at,
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """`one` and `other` have the fields that differ, all of them where only one side is there; None where it is not."""

    kind: Kind
    id: str
    name: str
    change: Literal["added", "removed", "changed"]
    one: dict[str, Any] | None
    other: dict[str, Any] | None
    made_by: MadeBy | None


@dataclass(frozen=True, slots=True)
class DifferencePage:
    """From `one` to `other`, each as of its position. `next`: the cursor of the page behind, None for the last one."""

    one: str
    other: str
    one_position: int
    other_position: int
    differences: tuple[Difference, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """Where the relational read model of a generation lies, and as of which position it is."""

    schema: str
    position: int


class Compare:
    """Raises AccessDeniedError, UnknownGenerationError, WrongCursorError, StoreUnavailableError,
    DeadlineExceededError.
    """

    def __init__(self, generations: PastGenerations, differences: GenerationDifferences, reader: EventReader) -> None:
        self._generations = generations
        self._differences = differences
        self._reader = reader

    async def differences(
        self,
        caller: Caller,
        one: str,
        other: str,
        kinds: Sequence[Kind] = KINDS,
        *,
        after: str | None,
        limit: int,
        deadline: Deadline,
    ) -> DifferencePage:
        """Of these kinds, one kind after the other, each by id: at most `limit` behind the cursor `after`.

        Either may be `live`. They tell of all documents, so the caller has to be allowed to see them all.
        """
        for kind in KINDS:
            caller.require_everything(kind, "read")
        caller.require("events", "read")
        async with deadline.enforce("comparing generations"):
            first, second = await self.side(one, deadline), await self.side(other, deadline)
            wanted = [kind for kind in KINDS if kind in kinds]
            begin, behind = 0, ("", "")
            if after is not None:
                kind_at, id_at, part_at = decoded("differences", after, 3)
                begin = next((n for n, kind in enumerate(wanted) if kind == kind_at), 0)
                behind = id_at, part_at
            found: list[tuple[Kind, Row]] = []
            for kind in wanted[begin:]:
                rows = await self._differences.rows(
                    caller.tenant, kind, first.schema, second.schema, behind, limit + 1 - len(found)
                )
                found += [(kind, row) for row in rows]
                behind = ("", "")
                if len(found) > limit:
                    break
            page = found[:limit]
            low, high = sorted((first.position, second.position))
            made = [
                await self._made_by(caller.tenant, kind, row, (first.schema, second.schema), low, high)
                for kind, row in page
            ]
        cursor = encoded("differences", page[-1][0], page[-1][1].id, page[-1][1].part) if len(found) > limit else None
        differences = tuple(_difference(kind, row, event) for (kind, row), event in zip(page, made, strict=True))
        return DifferencePage(one, other, first.position, second.position, differences, cursor)

    async def side(self, name: str, deadline: Deadline) -> Side:
        """A generation, or `live`. Raises UnknownGenerationError, IncompleteGenerationError, StoreUnavailableError."""
        if name == LIVE:
            return Side(LAYOUT.name, await self._reader.head())
        found = await self._generations.find(name, deadline=deadline)
        return Side(f"{LAYOUT.name}_{found.part(LAYOUT.name).id}", found.position)

    async def last_of_documents(
        self, tenant: str, documents: Sequence[str], types: Collection[EventType], low: int, high: int
    ) -> DomainEvent | None:
        """The last event of these types, of any of these documents, behind one position and up to another."""
        return await self._last([AggregateKey(tenant, "document", one) for one in documents], types, low, high)

    async def _made_by(
        self, tenant: str, kind: Kind, row: Row, schemas: tuple[str, str], low: int, high: int
    ) -> DomainEvent | None:
        """The last event between that can have made it: of its own kind, else any of the same aggregates."""
        if kind != "entities":
            keys = [AggregateKey(tenant, "document", row.id)]
            types: Collection[EventType] = STATED if kind == "relations" else CONTENT_TYPES
            if kind == "documents" and row.one and row.other and _fields(row) == {"stage"}:
                types = DOCUMENT_TYPES
        else:
            decided = await self._last([AggregateKey(tenant, "entity", row.id)], ENTITY_TYPES, low, high)
            if decided is not None:
                return decided
            naming = await self._differences.naming(tenant, *schemas, row.id, DOCUMENTS_LOOKED_AT)
            keys, types = [AggregateKey(tenant, "document", one) for one in naming], FOUND
        return await self._last(keys, types, low, high) or await self._last(keys, DOCUMENT_TYPES, low, high)

    async def _last(
        self, keys: Sequence[AggregateKey], types: Collection[EventType], low: int, high: int
    ) -> DomainEvent | None:
        events = await self._reader.last.of_types(keys, types, low, high)
        return max(events.values(), key=lambda event: event.position or 0, default=None)


def _fields(row: Row) -> set[str]:
    one, other = row.one or {}, row.other or {}
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def _difference(kind: Kind, row: Row, event: DomainEvent | None) -> Difference:
    shown = row.other or row.one or {}
    name = (
        f"{shown['subject']} | {shown['predicate']} | {shown['object']}"
        if kind == "relations"
        else shown["title" if kind == "documents" else "name"]
    )
    one, other = row.one, row.other
    if one is not None and other is not None:
        fields = sorted(_fields(row))
        one, other = {name: one[name] for name in fields}, {name: other[name] for name in fields}
    change: Literal["added", "removed", "changed"] = (
        "added" if one is None else "removed" if other is None else "changed"
    )
    made_by = None if event is None else MadeBy.of(event)
    return Difference(kind, row.part or row.id, str(name), change, one, other, made_by)
