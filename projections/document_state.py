"""A document as read models see it, and what people's corrections make of it. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from contracts.documents import (
    Alias,
    Chunk,
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    DocumentContent,
    Mention,
    MentionsReassigned,
    Relation,
    RelationshipUpdated,
    RelationshipValidated,
    StageResult,
    rechunked,
)
from contracts.reassigning import meant


class JudgedRelation(NamedTuple):
    """A relation, and what somebody thinks of it (None: nobody said). `found`: predicate and confidence as it was
    found, where somebody gave it others.
    """

    relation: Relation
    valid: bool | None = None
    found: tuple[str, float] | None = None


class Within(NamedTuple):
    """What was found in one chunk."""

    mentions: tuple[Mention, ...]
    aliases: tuple[Alias, ...]
    relations: tuple[str, ...]


class DocumentState(NamedTuple):
    """One document. After a deletion `gone` is set and every part is empty.

    `parts` are those of a stage's result that is not whole yet; they say nothing before the last one is there.
    `replaced`: of chunks that a correction replaced, what had been found in them, should they be there again; by the
    ids of the chunk in their place and their own, which another chunk of the same text may have by then. `uncovered`
    are the relations that no chunk covers now. `same`: other readings' ids of relations that are stated here, too, by
    which people decide on them, to their ids here. `readings`: what is found in it by other models, by the name of the
    reading; each a whole state, without further ones.
    """

    gone: bool = False
    content: DocumentContent | None = None
    stage: str | None = None
    at: datetime | None = None
    taken_at: datetime | None = None
    title: str | None = None
    digest: str | None = None
    embedder: str | None = None
    chunks: tuple[Chunk, ...] | None = None
    mentions: tuple[Mention, ...] | None = None
    aliases: tuple[Alias, ...] | None = None
    relations: tuple[JudgedRelation, ...] | None = None
    parts: tuple[StageResult, ...] = ()
    replaced: Mapping[tuple[str, str], Within] = MappingProxyType({})
    uncovered: tuple[JudgedRelation, ...] = ()
    same: Mapping[str, str] = MappingProxyType({})
    readings: Mapping[str, "DocumentState"] = MappingProxyType({})

    def read_as(self, reading: str) -> "DocumentState":
        """As this reading has it; one that the document has not is what was found as it came in."""
        return self.readings.get(reading, self)


def reread(
    state: DocumentState,
    mentions: tuple[Mention, ...],
    aliases: tuple[Alias, ...],
    relations: tuple[JudgedRelation, ...],
) -> DocumentState:
    """The same with what other models found."""
    return state._replace(
        mentions=mentions,
        aliases=aliases,
        relations=relations,
        replaced=MappingProxyType({}),
        uncovered=(),
        same=MappingProxyType({}),
        readings=MappingProxyType({}),
    )


def amended(state: DocumentState, change: RelationshipUpdated) -> DocumentState:
    """A relation has another predicate or confidence, or those again that it was found with in this reading."""

    def of(one: JudgedRelation) -> JudgedRelation:
        found = one.found or (one.relation.predicate, one.relation.confidence)
        predicate, confidence = found if change.undone else (change.predicate, change.confidence)
        relation = one.relation.model_copy(update={"predicate": predicate, "confidence": confidence})
        return one._replace(relation=relation, found=None if change.undone else found)

    return _with_decided(state, change, of)


def judged(state: DocumentState, change: RelationshipValidated) -> DocumentState:
    """A relation is called right or wrong, or neither any more."""
    return _with_decided(state, change, lambda one: one._replace(valid=change.valid))


def _with_decided(
    state: DocumentState,
    change: RelationshipUpdated | RelationshipValidated,
    changed: Callable[[JudgedRelation], JudgedRelation],
) -> DocumentState:
    """The relation that is decided on, or the one that states the same in this reading."""
    own, there = change.relation_id, {one.relation.relation_id for one in (*(state.relations or ()), *state.uncovered)}
    if own not in there:
        before = change.earlier or own
        here = state.same.get(own) or state.same.get(before, before)
        if here not in there:
            return state
        state, own = state._replace(same=MappingProxyType({**state.same, own: here})), here
    return _with_relations(state, lambda one: changed(one) if one.relation.relation_id == own else one)


def _with_relations(state: DocumentState, changed: Callable[[JudgedRelation], JudgedRelation]) -> DocumentState:
    """Those that no chunk covers are decided on, too."""
    relations, uncovered = tuple(map(changed, state.relations or ())), tuple(map(changed, state.uncovered))
    return state._replace(relations=relations, uncovered=uncovered)


def reassigned(state: DocumentState, change: MentionsReassigned) -> DocumentState:
    """What is said of one entity is said of another."""
    instead = {change.entity_id: change.into}

    def within(own: Within) -> Within:
        return own._replace(
            mentions=tuple(meant(one, instead) for one in own.mentions),
            aliases=tuple(meant(one, instead) for one in own.aliases),
        )

    state = _with_relations(state, lambda one: one._replace(relation=meant(one.relation, instead)))
    return state._replace(
        mentions=tuple(meant(one, instead) for one in state.mentions or ()),
        aliases=tuple(meant(one, instead) for one in state.aliases or ()),
        replaced={ids: within(own) for ids, own in state.replaced.items()},
    )


def recut(state: DocumentState, change: ChunkUpdated | ChunkMerged) -> DocumentState:
    """What was found in the chunks that went belongs to the new one, where that still covers it."""
    gone, chunk = set(change.gone), change.chunk

    def stays(part: Mention | Relation) -> bool:
        return part.chunk_id not in gone or (chunk.start <= part.start and part.end <= chunk.end)

    def home(part: Mention | Relation) -> str:
        return chunk.chunk_id if part.chunk_id in gone else part.chunk_id

    mentions = {
        (mention.entity_id, mention.start, mention.end, home(mention)): mention.model_copy(
            update={"chunk_id": home(mention)}
        )
        for mention in state.mentions or ()
        if stays(mention)
    }
    aliases = {
        (alias.entity_id, alias.chunk_id): alias
        for alias in (
            alias.model_copy(update={"chunk_id": chunk.chunk_id}) if alias.chunk_id in gone else alias
            for alias in state.aliases or ()
        )
    }
    relations = state.relations or ()
    return state._replace(
        chunks=rechunked(state.chunks or (), change),
        mentions=tuple(mentions.values()),
        aliases=tuple(aliases.values()),
        relations=tuple(
            judged._replace(relation=judged.relation.model_copy(update={"chunk_id": home(judged.relation)}))
            for judged in relations
            if stays(judged.relation)
        ),
        replaced={**state.replaced, **{(chunk.chunk_id, one): _within(state, one) for one in gone}},
        uncovered=(*state.uncovered, *(judged for judged in relations if not stays(judged.relation))),
    )


def _within(state: DocumentState, chunk_id: str) -> Within:
    return Within(
        tuple(one for one in state.mentions or () if one.chunk_id == chunk_id),
        tuple(one for one in state.aliases or () if one.chunk_id == chunk_id),
        tuple(one.relation.relation_id for one in state.relations or () if one.relation.chunk_id == chunk_id),
    )


def _covered(state: DocumentState, removed: str, chunk: Chunk) -> Within:
    """What is found within a chunk that was not there when the document was read: of the chunk in its place."""

    def within(part: Mention | Relation) -> bool:
        return part.chunk_id == removed and chunk.start <= part.start and part.end <= chunk.end

    home = {"chunk_id": chunk.chunk_id}
    return Within(
        tuple(one.model_copy(update=home) for one in state.mentions or () if within(one)),
        tuple(one.model_copy(update=home) for one in state.aliases or () if one.chunk_id == removed),
        tuple(one.relation.relation_id for one in state.relations or () if within(one.relation)),
    )


def restored(state: DocumentState, change: ChunksRestored) -> DocumentState:
    """Chunks that are there again hold what had been found in them; relations as they are judged by now."""
    if all(one.chunk_id != change.removed for one in state.chunks or ()):
        return state
    found = {
        one.chunk_id: state.replaced.get((change.removed, one.chunk_id)) or _covered(state, change.removed, one)
        for one in change.restored
    }
    homes = {relation_id: chunk_id for chunk_id, own in found.items() for relation_id in own.relations}
    # Of a chunk that was there when the document was read, what lies across those that are there again is in neither.
    across = {
        one.relation.relation_id
        for one in state.relations or ()
        if one.relation.chunk_id == change.removed and one.relation.relation_id not in homes
    }

    def back(judged: JudgedRelation) -> JudgedRelation:
        home = homes.get(judged.relation.relation_id, judged.relation.chunk_id)
        return judged._replace(relation=judged.relation.model_copy(update={"chunk_id": home}))

    return state._replace(
        chunks=rechunked(state.chunks or (), change),
        mentions=(
            *(one for one in state.mentions or () if one.chunk_id != change.removed),
            *(one for own in found.values() for one in own.mentions),
        ),
        aliases=(
            *(one for one in state.aliases or () if one.chunk_id != change.removed),
            *(one for own in found.values() for one in own.aliases),
        ),
        relations=(
            *(back(one) for one in state.relations or () if one.relation.relation_id not in across),
            *(back(one) for one in state.uncovered if one.relation.relation_id in homes),
        ),
        replaced={ids: own for ids, own in state.replaced.items() if ids[0] != change.removed},
        uncovered=(
            *(one for one in state.uncovered if one.relation.relation_id not in homes),
            *(one for one in state.relations or () if one.relation.relation_id in across),
        ),
    )
