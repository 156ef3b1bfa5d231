"""Which documents and questions name a subject, a person or whatever else has a name, as the whole log says."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.documents import (
    DocumentContent,
    DocumentReread,
    EntitiesExtracted,
    MentionsReassigned,
    RelationshipsDiscovered,
)
from contracts.entities import EntityReleased
from contracts.entity_decisions import NO_DECISIONS, EntityDecisions
from contracts.envelope import DomainEvent
from contracts.event_types import CONTENT_TYPES, KIND_OF, TAKES_IN, AggregateKind, EventType
from contracts.ids import entity_id, normalise_name
from contracts.payload import Payload
from contracts.reasoning import ReasoningQueryExecuted
from eventstore.erasures import Erasures
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from eventstore.texts import TextStore
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError
from services.storage.name_pattern import NamePattern

PAGE = 1000
MOST_NAMES = 20
NAMES_LIMIT_S = 3600.0
"""What an edge grants: the whole log is read."""
_Span = tuple[str, int]


@dataclass(frozen=True, slots=True)
class NamingDocument:
    """`mentions`: how often models found the subject; `texts`: how often its name stands in the document's texts,
    those of former versions included; `described`: its id, title, address or attributes name it."""

    document_id: str
    title: str
    deleted: bool
    mentions: int
    texts: int
    described: bool


@dataclass(frozen=True, slots=True)
class Naming:
    """`names`: as documents and people call the subject. `documents` by id. `entities` and `questions` are ids."""

    names: tuple[str, ...]
    documents: tuple[NamingDocument, ...]
    questions: tuple[str, ...]
    entities: tuple[str, ...]


@dataclass
class _Found:
    """`before`: spans of what rules called the same as the subject, and do not any more."""

    spans: set[_Span] = field(default_factory=set)
    before: set[_Span] = field(default_factory=set)
    described: bool = False
    texts: int = 0


class FindNaming:
    """For who may administer all documents: it reads all of them.

    Of a name that several have, all are found; an id means one, and what it is the same as. Texts are searched for the
    names that were given, and for the name of an entity that an id was given of.
    """

    def __init__(self, reader: EventReader, texts: TextStore, erasures: Erasures) -> None:
        self._reader, self._texts, self._erasures = reader, texts, erasures

    async def find(self, caller: Caller, given: Sequence[str], *, deadline: Deadline) -> Naming:
        """Raises AccessDeniedError, InvalidRequestError, StoreUnavailableError, DeadlineExceededError."""
        caller.require_everything("documents", "administer")
        wanted = [one for one in given if normalise_name(one)]
        if not wanted or len(wanted) < len(given) or len(given) > MOST_NAMES:
            raise InvalidRequestError(f"a subject has from 1 to {MOST_NAMES} names or ids, of letters or digits")
        async with deadline.enforce("looking for what names the subject"):
            return await self._find(caller.tenant, wanted)

    async def _find(self, tenant: str, given: Sequence[str]) -> Naming:
        head = await self._reader.head()
        decisions, released = await self._decisions(tenant, head)
        folded = {normalise_name(one) for one in given}
        by_name = {entity_id(tenant, one) for one in given}
        named = {*given, *by_name}
        named |= {own for own, one in decisions.items() if any(normalise_name(n) in folded for n in one.given_names)}
        merged = {own: one.merged_into for own, one in decisions.items() if one.merged_into is not None}
        entities = _together(named, merged.items())
        # What no document says any more rules release: a document that was deleted named the subject all the same.
        before = _together(named, [*merged.items(), *released.items()]) - entities
        moved = await self._moved(tenant, head)
        # An entity that others of its name were told apart from has no name of its own.
        divided = {one for own in moved.values() for one in own} | {one for one in decisions if decisions[one].splits}
        names, found = await self._mentions(tenant, head, entities, before, by_name, moved)
        for one in entities & decisions.keys():
            names[one].update(decisions[one].given_names)
        pattern = NamePattern([*given, *(name for one in {*given} - divided for name in names.get(one, ()))])
        await self._described(tenant, head, pattern, found)
        async for document_id, text in self._texts.of_tenant(tenant):
            if count := pattern.count(text):
                found[document_id].texts += count
        known = names.keys() | decisions.keys() | {into for own in moved.values() for into in own.values()}
        namesakes = {own[one] for own in moved.values() for one in by_name & own.keys()}
        documents = await self._shown(tenant, found)
        questions = await self._questions(tenant, head, pattern)
        streams = await self._erasures.questions(tenant, [one.document_id for one in documents])
        questions |= {key.aggregate_id for key in await self._reader.keys_of(streams)}
        return Naming(
            names=tuple(sorted({name for some in names.values() for name in some})),
            documents=tuple(sorted(documents, key=lambda one: one.document_id)),
            questions=tuple(sorted(questions)),
            entities=tuple(sorted((entities | namesakes) & known)),
        )

    async def _decisions(self, tenant: str, head: int) -> tuple[dict[str, EntityDecisions], dict[str, str]]:
        """What is decided on each entity; and what rules said last that it is, where they took that back."""
        found: dict[str, EntityDecisions] = defaultdict(lambda: NO_DECISIONS)
        released: dict[str, str] = {}
        async for event in self._events(tenant, _of_kind("entity"), head):
            own, before = event.aggregate_id, found[event.aggregate_id].assigned
            if isinstance(event.event_data, EntityReleased) and before is not None:
                released[own] = before[1].into
            found[own] = found[own].after(event.aggregate_version, event.event_data)
        return dict(found), released

    async def _moved(self, tenant: str, head: int) -> Mapping[str, Mapping[str, str]]:
        """Of each document which entity's mentions are another one's."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        async for event in self._events(tenant, [EventType.MENTIONS_REASSIGNED], head):
            if isinstance(event.event_data, MentionsReassigned):
                found[event.aggregate_id][event.event_data.entity_id] = event.event_data.into
        return found

    async def _mentions(
        self,
        tenant: str,
        head: int,
        entities: Collection[str],
        before: Collection[str],
        by_name: Collection[str],
        moved: Mapping[str, Mapping[str, str]],
    ) -> tuple[dict[str, set[str]], dict[str, _Found]]:
        """Where documents mean one of these entities, and by which names, those by the entity that goes by them."""
        names: dict[str, set[str]] = defaultdict(set)
        found: dict[str, _Found] = defaultdict(_Found)
        types = [EventType.ENTITIES_EXTRACTED, EventType.RELATIONSHIPS_DISCOVERED, EventType.DOCUMENT_REREAD]
        async for event in self._events(tenant, types, head):
            own = moved.get(event.aggregate_id, {})
            for entity, name, span in _named(event.event_data):
                meant = own.get(entity, entity)
                if meant in entities or entity in by_name:
                    names[entity].add(name)
                    found[event.aggregate_id].spans.add(span)
                elif meant in before:
                    found[event.aggregate_id].before.add(span)
        return names, found

    async def _described(self, tenant: str, head: int, pattern: NamePattern, found: dict[str, _Found]) -> None:
        async for event in self._events(tenant, TAKES_IN, head):
            if pattern.count("\n".join((event.aggregate_id, *_described(event.event_data)))):
                found[event.aggregate_id].described = True

    async def _questions(self, tenant: str, head: int, pattern: NamePattern) -> set[str]:
        found = set()
        async for event in self._events(tenant, [EventType.REASONING_QUERY_EXECUTED], head):
            if isinstance(event.event_data, ReasoningQueryExecuted) and pattern.count(_said(event.event_data)):
                found.add(event.aggregate_id)
        return found

    async def _shown(self, tenant: str, found: Mapping[str, _Found]) -> list[NamingDocument]:
        """Those of which something is in the log."""
        keys = [AggregateKey(tenant, "document", one) for one in found]
        shown = []
        for start in range(0, len(keys), PAGE):
            some = keys[start : start + PAGE]
            taken = await self._reader.last.of_types(some, TAKES_IN)
            last = await self._reader.last.of_types(some, CONTENT_TYPES)
            for key, event in taken.items():
                own, content = found[key.aggregate_id], event.event_data
                deleted = last[key].event_type is EventType.DOCUMENT_DELETED
                spans = own.spans | own.before if deleted else own.spans
                if not (spans or own.texts or own.described):
                    continue
                shown.append(
                    NamingDocument(
                        key.aggregate_id,
                        content.title if isinstance(content, DocumentContent) else "",
                        deleted,
                        len(spans),
                        own.texts,
                        own.described,
                    )
                )
        return shown

    async def _events(self, tenant: str, types: Collection[str], head: int) -> AsyncIterator[DomainEvent]:
        after = 0
        while events := await self._reader.seen.of_tenant(tenant, types, after, head, PAGE):
            for event in events:
                yield event
            after = events[-1].position or head


def _of_kind(kind: AggregateKind) -> list[str]:
    return [event_type for event_type, of in KIND_OF.items() if of == kind]


def _together(named: Collection[str], same: Iterable[tuple[str, str]]) -> set[str]:
    """These entities, and all that are the same as one of them, by the pairs of those that are the same."""
    beside: dict[str, set[str]] = defaultdict(set)
    for own, other in same:
        beside[own].add(other)
        beside[other].add(own)
    found, waiting = set(named), list(named)
    while waiting:
        more = beside.get(waiting.pop(), set()) - found
        found |= more
        waiting += more
    return found


def _named(data: Payload) -> Iterable[tuple[str, str, _Span]]:
    if isinstance(data, EntitiesExtracted | DocumentReread):
        yield from ((one.entity_id, one.name, (one.chunk_id, one.start)) for one in data.mentions)
        yield from ((one.entity_id, one.name, (one.chunk_id, -1)) for one in data.aliases)
    if isinstance(data, RelationshipsDiscovered | DocumentReread):
        for one in data.relations:
            yield one.subject_id, one.subject, (one.chunk_id, one.start)
            yield one.object_id, one.object, (one.chunk_id, one.start)


def _described(data: Payload) -> Iterable[str]:
    if isinstance(data, DocumentContent):
        yield data.title
        yield data.uri or ""
        yield from (f"{name} {value}" for name, value in data.attributes.items())


def _said(data: ReasoningQueryExecuted) -> str:
    steps = (part for one in data.steps for part in (one.asked, one.found))
    candidates = (one.answer for one in data.candidates)
    return "\n".join((data.question, data.answer or "", data.missing or "", *data.chains, *steps, *candidates))
