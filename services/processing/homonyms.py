"""EntitiesExtracted to MentionsReassigned: which documents mean another one of the same name.

In the turn in which the tenant's names are decided on (`resolution`), and before that: what has become two is compared
with others as two.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from aggregates.entity import Entity
from aggregates.matching.choosing import Vectors
from aggregates.matching.features import features_of
from aggregates.matching.homonyms import Meant, Naming, are_denied, may_be_homonym, tell_apart
from aggregates.matching.vocabulary import GROUPS
from aggregates.resolution import is_decided_by_people
from contracts import ids
from contracts.envelope import DomainEvent
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.names import NamedEntity, NamesTurn
from services.processing.contexts import Contexts
from services.processing.descriptions import Descriptions

MOST_NAMINGS = 128
"""A name that documents have more often is of one for the rules: its documents would be compared each with each."""
BESIDE = frozenset(kind for kind, group in GROUPS.items() if group != "people")
"""Types of what two documents share: half of all people are American."""

Told = dict[str, Mapping[str, Meant]]
"""By the id that follows from the name, whom each document means."""


class Homonyms:
    """Raises StoreUnavailableError, ConflictError."""

    def __init__(self, descriptions: Descriptions, contexts: Contexts, commands: Commands) -> None:
        self._descriptions = descriptions
        self._contexts = contexts
        self._commands = commands

    def note(self, event: DomainEvent) -> None:
        """What the event says of a document need not be read again."""
        self._descriptions.note(event)

    async def tell_apart(self, turn: NamesTurn, tenant: str, names: Collection[str], cause: Cause) -> None:
        """Decide anew on all documents that have one of these names, given by the id that follows from it."""
        known = {name: _of_people(own) for name, own in (await turn.of_name(names, MOST_NAMINGS)).items()}
        told = await self._told(turn, tenant, {name: own for name, own in known.items() if _may_differ(own)})
        rows = {one for name in told for one in known[name]} | set(await turn.told_apart(names))
        # Who was told apart and is not any more is the one of that name again.
        wanted = {
            (one.document_id, one.entity_id): told.get(name, {}).get(one.document_id, Meant(name))
            for one in rows
            for name in (ids.namesake_of(one.entity_id),)
        }
        changed = {named: meant for named, meant in wanted.items() if meant.entity_id != named[1]}
        if not changed:
            return
        kept = await self._decided_by_people(
            tenant, {entity for (_, now), meant in wanted.items() for entity in (now, meant.entity_id)}
        )
        changed = {named: meant for named, meant in changed.items() if ids.namesake_of(named[1]) not in kept}
        if changed:
            await self._decide(tenant, changed, cause)
            await turn.tell_apart({named: meant.entity_id for named, meant in changed.items()})

    async def _told(self, turn: NamesTurn, tenant: str, known: Mapping[str, Sequence[NamedEntity]]) -> Told:
        described = await self._descriptions.of(tenant, known)
        denied = {name: said for name, said in described.items() if are_denied(list(said.values()))}
        if not denied:
            return {}
        beside = await turn.beside({document for said in denied.values() for document in said}, BESIDE)
        told: Told = {}
        for name, said in denied.items():
            contexts = await self._contexts_of(tenant, known[name])
            others = {
                document: frozenset(own for own in beside.get(document, ()) if ids.namesake_of(own) != name)
                for document in said
            }
            namings = [Naming(one, said[one], others[one], contexts.get(one, ())) for one in said]
            told[name] = tell_apart(name, namings)
        return told

    async def _contexts_of(self, tenant: str, names: Sequence[NamedEntity]) -> Mapping[str, Sequence[Vectors]]:
        by_document: dict[str, list[NamedEntity]] = defaultdict(list)
        for one in names:
            by_document[one.document_id].append(one)
        return await self._contexts.of(tenant, by_document)

    async def _decided_by_people(self, tenant: str, entities: Collection[str]) -> set[str]:
        """Those names of which people decided on one of the entities: they stay as they are."""
        kept: set[str] = set()
        keys = [AggregateKey(tenant, "entity", one) for one in sorted({*entities, *map(ids.namesake_of, entities)})]
        async for states in self._commands.load_in_batches(keys, Entity.project):
            kept |= {ids.namesake_of(key.aggregate_id) for key, one in states.items() if is_decided_by_people(one)}
        return kept

    async def _decide(self, tenant: str, changed: Mapping[tuple[str, str], Meant], cause: Cause) -> None:
        by_document: dict[str, dict[str, Meant]] = defaultdict(dict)
        for (document, entity), meant in changed.items():
            by_document[document][ids.namesake_of(entity)] = meant

        def command(document: str, own: Mapping[str, Meant]) -> Command:
            def decide(state: Document | None) -> Sequence[DomainEvent]:
                decided: list[DomainEvent] = []
                for name, meant in sorted(own.items()):
                    decided += documents.separate(state, name, meant.entity_id, meant.context, cause)
                    state = Document.project(decided[-1:], state)
                return decided

            return Command(AggregateKey(tenant, "document", document), Document.project, decide)

        await self._commands.execute_many([command(document, own) for document, own in sorted(by_document.items())])


def _of_people(names: Sequence[NamedEntity]) -> list[NamedEntity]:
    return [one for one in names if GROUPS.get(one.type) == "person"]


def _may_differ(names: Sequence[NamedEntity]) -> bool:
    """Whether several documents have the name, and it is a whole one."""
    if len({one.document_id for one in names}) < 2:
        return False
    return may_be_homonym(features_of(min(one.name for one in names), "person"))
