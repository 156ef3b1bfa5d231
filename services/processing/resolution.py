"""EntitiesExtracted to EntityAssigned: which names that documents use are of one entity.

One batch of a tenant at a time, among all workers: what is decided follows from all that documents name now, so it does
not matter in which order they came, nor who takes them. Of an entity that changed, those are decided anew whose names
fit its name now, or did before.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from aggregates import resolution
from aggregates.cause import Cause
from aggregates.entity import Entity
from aggregates.matching.blocking import blocking_keys
from aggregates.matching.choosing import Candidate, Choice, choose
from aggregates.matching.comparing import may_be_one
from aggregates.matching.features import NameFeatures, features_of, group_of
from aggregates.matching.vocabulary import GROUPS
from contracts import ids
from contracts.batches import batches
from contracts.documents import DocumentDeleted, DocumentReread, EntitiesExtracted
from contracts.entities import EntityAssigned
from contracts.envelope import DomainEvent, EventMetadata
from contracts.folding import NAME_CHARACTERS
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.names import DocumentNames, NamedEntity, Names, NamesTurn
from eventstore.reader import EventReader
from services.processing.contexts import Contexts, Vectors
from services.processing.descriptions import first_version
from services.processing.homonyms import Homonyms

MOST_ALIKE = 64
"""A key that more entities share says nothing, and is passed over."""
AT_ONCE = 500
"""Of so many entities the contexts are in memory, and of those that they are compared with."""
LONGEST_WAY = 64
"""Of entities that people merged, one into the other, behind one that is assigned."""

Keys = frozenset[str]
_NOBODY: frozenset[str] = frozenset()


@dataclass
class Known:
    """What was looked up: names and features of entities, and the entities of keys that are not passed over."""

    names: dict[str, tuple[NamedEntity, ...]] = field(default_factory=dict)
    features: dict[str, NameFeatures] = field(default_factory=dict)
    blocks: dict[str, Collection[str]] = field(default_factory=dict)

    def add(self, names: Mapping[str, tuple[NamedEntity, ...]]) -> None:
        """More entities."""
        self.names.update(names)
        self.features.update((entity, _features(own)) for entity, own in names.items())

    def alike(self, entity: str) -> set[str]:
        """The entities whose names fit this one's. Those that were told apart from it are others, whatever fits."""
        fitting, own = self.fitting(self.features[entity]), ids.namesake_of(entity)
        return {other for other in fitting if ids.namesake_of(other) != own}

    def alike_each(self, entities: Iterable[str]) -> dict[str, set[str]]:
        """The same of each of these; those that nobody's names fit are left out."""
        return {entity: own for entity in entities if (own := self.alike(entity))}

    def fitting(self, name: NameFeatures) -> set[str]:
        """The entities whose names fit this one."""
        block = {other for key in blocking_keys(name) for other in self.blocks.get(key, _NOBODY)}
        return {other for other in block & self.features.keys() if may_be_one(name, self.features[other])}


class Resolution:
    """Raises StoreUnavailableError, ConflictError."""

    def __init__(
        self, names: Names, contexts: Contexts, homonyms: Homonyms, commands: Commands, reader: EventReader
    ) -> None:
        self._names = names
        self._reader = reader
        self._homonyms = homonyms
        self._contexts = contexts
        self._commands = commands
        # A turn holds a connection while it waits for others': of one process, one waits.
        self._one_at_a_time = asyncio.Lock()

    async def run(self, events: Sequence[DomainEvent]) -> None:
        """Take in what the events say, and decide. Run twice, it decides nothing twice."""
        by_tenant: dict[str, list[DomainEvent]] = defaultdict(list)
        for event in events:
            by_tenant[event.tenant].append(event)
        for tenant, own in by_tenant.items():
            if there := await self._not_erased(own):
                async with self._one_at_a_time, self._names.turn(tenant) as turn:
                    await self._resolve(turn, tenant, there)

    async def _not_erased(self, events: Sequence[DomainEvent]) -> Sequence[DomainEvent]:
        """Kafka may deliver once more what was erased since; the log says what is left of it."""
        erased = await self._reader.erased({AggregateKey.of(event) for event in events})
        if not erased:
            return events
        left: set[UUID] = set()
        async for histories in self._reader.in_batches(dict.fromkeys(erased, 1)):
            left |= {event.event_id for own in histories.values() for event in own}
        return [event for event in events if AggregateKey.of(event) not in erased or event.event_id in left]

    async def _resolve(self, turn: NamesTurn, tenant: str, events: Sequence[DomainEvent]) -> None:
        rereads = [event for event in events if isinstance(event.event_data, DocumentReread)]
        newest = await turn.newest(
            [_names_in(event) for event in events if not isinstance(event.event_data, DocumentReread)]
        )
        # Beside what was found first: that is shown until other models take over, and when one goes back.
        more = await turn.present([_names_in(event) for event in rereads])
        documents = [*newest, *more]
        named = await turn.named_by({one.document_id for one in documents})
        named |= {(name.entity_id, name.type) for one in documents for name in one.names}
        people = {ids.namesake_of(entity) for entity, kind in named if GROUPS.get(kind) == "person"}
        touched = {entity for entity, _ in named} | await turn.namesakes(people)
        before = await turn.names_of(touched)
        await turn.replace(newest)
        await turn.add(more)
        for event in events:
            self._homonyms.note(event)
        await self._homonyms.tell_apart(turn, tenant, people, _cause(tenant, events[-1]))
        touched |= await turn.namesakes(people)
        after = await turn.names_of(touched)
        changed = {entity for entity in touched if _said(before.get(entity)) != _said(after.get(entity))}
        doubtful = await turn.doubtful()
        if not changed and not doubtful:
            return
        known = Known()
        known.add({entity: after[entity] for entity in changed & after.keys()})
        affected = changed | await self._affected(turn, known, {entity: before.get(entity, ()) for entity in changed})
        affected |= doubtful
        known.add(await turn.names_of(affected - known.names.keys()))
        assigned = await turn.assignments(affected)
        chosen = await self._chosen(turn, tenant, known, affected & known.features.keys())
        for entity in await self._circles(tenant, chosen, affected):
            del chosen[entity]
        changes = {
            entity: chosen.get(entity)
            for entity in sorted(affected)
            if entity in doubtful or assigned.get(entity) != (chosen[entity].into if entity in chosen else None)
        }
        if changes:
            # The log's transaction is another one than the turn's, and a worker may end between the two.
            await self._names.doubt(tenant, changes.keys())
            await turn.assign(await self._decide(tenant, changes, events[-1]))

    async def _affected(self, turn: NamesTurn, known: Known, before: Mapping[str, tuple[NamedEntity, ...]]) -> set[str]:
        """Whose names fit those of the changed entities, or did; their keys are brought up to date."""
        former = {entity: _features(names) for entity, names in before.items() if names}
        gone, new = set[tuple[str, str]](), set[tuple[str, str]]()
        for entity in before:
            old = blocking_keys(former[entity]) if entity in former else _NOBODY
            now = blocking_keys(known.features[entity]) if entity in known.features else _NOBODY
            gone |= {(key, entity) for key in old - now}
            new |= {(key, entity) for key in now - old}
        await turn.set_keys(gone, new)
        keys = {key for one in (*former.values(), *known.features.values()) for key in blocking_keys(one)}
        fewer, more = Counter(key for key, _ in gone), Counter(key for key, _ in new)
        # Of a key with more than these, there were too many before, too.
        blocks = await turn.blocks({key: MOST_ALIKE + more[key] for key in keys})
        affected: set[str] = set()
        for key, block in blocks.items():
            # One that begins or ends to be passed over counts for all of its entities.
            if (len(block) > MOST_ALIKE) != (len(block) + fewer[key] - more[key] > MOST_ALIKE):
                affected |= set(block)
        await self._look_up(turn, known, keys, blocks, affected)
        return affected | await asyncio.to_thread(_alike, known, former, before)

    async def _look_up(
        self,
        turn: NamesTurn,
        known: Known,
        keys: Iterable[str],
        blocks: Mapping[str, Collection[str]],
        also: Iterable[str] = (),
    ) -> None:
        found = {key: block for key, block in blocks.items() if len(block) <= MOST_ALIKE}
        known.blocks |= dict.fromkeys(keys, _NOBODY) | found
        entities = {entity for block in found.values() for entity in block} | set(also)
        known.add(await turn.names_of(entities - known.names.keys()))

    async def _chosen(self, turn: NamesTurn, tenant: str, known: Known, entities: Collection[str]) -> dict[str, Choice]:
        """To whom each of these is to be assigned; those that are to be by themselves are left out."""
        keys = {key for entity in entities for key in blocking_keys(known.features[entity])} - known.blocks.keys()
        await self._look_up(turn, known, keys, await turn.blocks(dict.fromkeys(keys, MOST_ALIKE)))
        chosen: dict[str, Choice] = {}
        for some in batches(sorted(entities), lambda _: 1, max_items=AT_ONCE):
            alike = await asyncio.to_thread(known.alike_each, some)
            wanted = alike.keys() | {other for own in alike.values() for other in own}
            contexts = await self._contexts.of(tenant, {entity: known.names[entity] for entity in sorted(wanted)})
            chosen |= await asyncio.to_thread(_choices, known, alike, contexts)
        return chosen

    async def _decide(
        self, tenant: str, changes: Mapping[str, Choice | None], event: DomainEvent
    ) -> dict[str, str | None]:
        """To whom each is assigned then: where people decided, not as the rules say."""
        cause = _cause(tenant, event)
        held: dict[str, str | None] = {}

        def command(entity: str, choice: Choice | None) -> Command:
            def decide(state: Entity | None) -> Sequence[DomainEvent]:
                if choice is None:
                    decided = resolution.release(state, cause)
                else:
                    decided = resolution.assign(state, entity, _assigned(choice), cause)
                held[entity] = resolution.assigned_to(Entity.project(decided, state))
                return decided

            return Command(AggregateKey(tenant, "entity", entity), Entity.project, decide)

        await self._commands.execute_many([command(entity, choice) for entity, choice in changes.items()])
        return held

    async def _circles(self, tenant: str, chosen: Mapping[str, Choice], decided: Collection[str]) -> set[str]:
        """Those whose way would lead back to them, over what people merged: rules alone lead upwards. `decided`: what
        the log says of the rules' choices for these is out of date."""
        at = {entity: one.into for entity, one in chosen.items()}
        ways = {entity: {entity} for entity in at}
        circles: set[str] = set()
        for _ in range(LONGEST_WAY):
            states: dict[AggregateKey, Entity] = {}
            keys = {AggregateKey(tenant, "entity", into) for into in at.values()}
            async for some in self._commands.load_in_batches(keys, Entity.project):
                states |= some
            following: dict[str, str] = {}
            for entity, into in at.items():
                state = states.get(AggregateKey(tenant, "entity", into))
                further = None if state is None else state.decisions.merged_by_people
                if further is None:
                    further = chosen[into].into if into in chosen else None
                if further is None and state is not None and into not in decided:
                    further = state.merged_into
                if into == entity:
                    circles.add(entity)
                elif further is not None and into not in ways[entity]:
                    ways[entity].add(into)
                    following[entity] = further
            if not following:
                return circles
            at = following
        return circles | at.keys()


def _alike(known: Known, former: Mapping[str, NameFeatures], changed: Iterable[str]) -> set[str]:
    """The entities whose names fit those that the changed ones have now, or had."""
    found: set[str] = set()
    for entity in changed:
        if entity in known.features:
            found |= known.alike(entity)
        if entity in former:
            found |= known.fitting(former[entity])
    return found


def _choices(
    known: Known, alike: Mapping[str, Collection[str]], contexts: Mapping[str, Sequence[Vectors]]
) -> dict[str, Choice]:
    candidates = {
        entity: Candidate(
            entity,
            known.features[entity],
            len({name.document_id for name in known.names[entity]}),
            partial(contexts.__getitem__, entity),
        )
        for entity in contexts
    }
    return {
        entity: choice
        for entity, own in alike.items()
        if (choice := choose(candidates[entity], [candidates[other] for other in sorted(own)])) is not None
    }


def _assigned(choice: Choice) -> EntityAssigned:
    return EntityAssigned(
        into=choice.into,
        rules=resolution.RULES,
        rule=choice.match.rule,
        confidence=choice.match.confidence,
        context=None if choice.match.context is None else min(choice.match.context, 1.0),
    )


def _cause(tenant: str, event: DomainEvent) -> Cause:
    return Cause(
        metadata=EventMetadata(tenant=tenant, actor="annals", source="resolution"),
        correlation_id=event.correlation_id,
        causation_id=event.event_id,
    )


def _names_in(event: DomainEvent) -> DocumentNames:
    """Each name once. One that people said means another entity is none of the rules' business."""
    data = event.event_data
    if isinstance(data, DocumentDeleted):
        return DocumentNames(event.aggregate_id, event.aggregate_version, ())
    assert isinstance(data, EntitiesExtracted | DocumentReread)
    version = first_version(event, data)
    found: dict[tuple[str, str, str], NamedEntity] = {}
    for mention in data.mentions:
        entity = ids.present_entity_id(event.tenant, mention.entity_id, mention.name)
        key = (entity, mention.name, mention.type)
        if key not in found and len(mention.name) <= NAME_CHARACTERS:
            found[key] = NamedEntity(entity, event.aggregate_id, mention.name, mention.type, version, mention.chunk_id)
    own = {name: ids.entity_id(event.tenant, name) for _, name, _ in found}
    return DocumentNames(
        event.aggregate_id,
        version,
        [one for (entity, name, _), one in found.items() if ids.namesake_of(entity) == own[name]],
    )


def _features(names: Sequence[NamedEntity]) -> NameFeatures:
    """Of the name that most documents have, and of the type; in a tie the first by its letters."""
    called = Counter(name.name for name in names)
    types = Counter(name.type for name in names if name.type in GROUPS)
    name = min(called, key=lambda one: (-called[one], one))
    kind = min(types, key=lambda one: (-types[one], one), default="")
    return features_of(name, group_of([kind]))


def _said(names: Sequence[NamedEntity] | None) -> list[tuple[str, str, str, str]]:
    return [(one.document_id, one.name, one.type, one.chunk_id) for one in names or ()]
