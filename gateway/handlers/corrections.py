"""What people correct in what was found: relations, chunks, chains of answers, and what is kept of models."""

from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel, Field

from contracts.documents import MOST_MERGED, Statement
from contracts.payload import Count, Identifier, Offset, Predicate, Revision, Share
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of, shown
from gateway.handlers.knowledge import RELATION
from gateway.parameters import Cursor, Decision, Limit
from projections.relational.reads import RelationRow
from services.corrections.deciding import Corrected
from services.positions import Position

RelationId = Annotated[Identifier, Path(description="Id of a relation.")]
ChunkId = Annotated[Identifier, Path(description="Id of a chunk.")]
QueryId = Annotated[Identifier, Path(description="Id of a question.")]
ChainNumber = Annotated[int, Path(ge=0, le=2**31 - 1, description="Number of a chain of its answer, from 0.")]


class Undone(Decision):
    """`reason` is kept with the event."""


class RelationCorrection(Decision):
    """Another predicate, another confidence, or both; what is left out stays."""

    predicate: Predicate | None = None
    confidence: Share | None = None


class RelationJudgement(Decision):
    """Whether the text states it, and it is so."""

    valid: bool


class ChainJudgement(Decision):
    """Whether it leads to the answer; null takes the judgement back."""

    valid: bool | None


class ChunkBounds(Decision):
    """Characters of the document's text, `text[start:end]`."""

    start: Offset
    end: Offset


class ChunksToMerge(Decision):
    """Chunks of one document that lie next to each other."""

    chunk_ids: Annotated[list[Identifier], Field(min_length=2, max_length=MOST_MERGED)]


class RevisionToClear(Decision):
    """What a model of this revision said is thrown away."""

    revision: Revision


class WholeRelation(BaseModel):
    """A relation with its sentence, null until the vector read model has its passage."""

    relation: RelationRow
    sentence: str | None


class Correction(BaseModel):
    """`id`: of the relation, chunk or question that is there now. `position` is that of the last event that came of it,
    null where nothing changed.
    """

    id: str
    document_id: str | None
    position: Position | None


class ClearedOutputs(BaseModel):
    """How many outputs were thrown away."""

    revision: str
    entries: Count


class OrphanedRelation(BaseModel):
    """What somebody decided; `statement` is null where events of an older version do not tell it."""

    document_id: str
    relation_id: str
    statement: Statement | None
    predicate: str | None
    confidence: float | None
    valid: bool | None
    reason: str | None


class OrphanedRelations(BaseModel):
    """`next`: the cursor of the page behind, null where this is the last one."""

    orphaned: list[OrphanedRelation]
    next: str | None


class OrphanedRecut(BaseModel):
    """A chunk that somebody made; `replaced` are those that it replaced."""

    document_id: str
    chunk_id: str
    replaced: list[str]
    reason: str | None


class OrphanedChunks(BaseModel):
    """`next`: the cursor of the page behind, null where this is the last one."""

    orphaned: list[OrphanedRecut]
    next: str | None


async def read_relation(request: Request, relation_id: RelationId) -> WholeRelation:
    """A relation, and the sentence that states it."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).corrections.relations.show(
        exchange.caller, relation_id, deadline=exchange.deadline
    )
    return WholeRelation(relation=found.relation, sentence=found.sentence)


async def list_orphaned_relations(request: Request, limit: Limit = 100, cursor: Cursor = None) -> OrphanedRelations:
    """Decisions on relations that no document states any more, by document, in pages."""
    exchange = exchange_of(request.scope)
    page = await services_of(request).corrections.relations.orphaned(
        exchange.caller, after=cursor, limit=limit, deadline=exchange.deadline
    )
    return OrphanedRelations(orphaned=[OrphanedRelation(**one.told()) for one in page.orphaned], next=page.next)


async def list_orphaned_chunks(request: Request, limit: Limit = 100, cursor: Cursor = None) -> OrphanedChunks:
    """Corrections of chunks whose text no document has any more, by document, in pages."""
    exchange = exchange_of(request.scope)
    page = await services_of(request).corrections.chunks.orphaned(
        exchange.caller, after=cursor, limit=limit, deadline=exchange.deadline
    )
    return OrphanedChunks(orphaned=[OrphanedRecut(**one.told()) for one in page.orphaned], next=page.next)


async def correct_relation(request: Request, relation_id: RelationId, wanted: RelationCorrection) -> Correction:
    """Give a relation another predicate or confidence. It stays when the document is taken in again."""
    exchange = exchange_of(request.scope)
    corrected = await services_of(request).corrections.relations.correct(
        exchange.caller,
        relation_id,
        predicate=wanted.predicate,
        confidence=wanted.confidence,
        reason=wanted.reason,
        deadline=exchange.deadline,
    )
    return _of(request, corrected)


async def judge_relation(request: Request, relation_id: RelationId, wanted: RelationJudgement) -> Correction:
    """Call a relation right or wrong. A wrong one is no edge of the graph, and is not counted."""
    exchange = exchange_of(request.scope)
    corrected = await services_of(request).corrections.relations.judge(
        exchange.caller, relation_id, valid=wanted.valid, reason=wanted.reason, deadline=exchange.deadline
    )
    return _of(request, corrected)


async def undo_relation(request: Request, relation_id: RelationId, wanted: Undone) -> Correction:
    """Take back whatever was decided on a relation."""
    exchange = exchange_of(request.scope)
    corrected = await services_of(request).corrections.relations.undo(
        exchange.caller, relation_id, reason=wanted.reason, deadline=exchange.deadline
    )
    return _of(request, corrected)


async def update_chunk(request: Request, chunk_id: ChunkId, wanted: ChunkBounds) -> Correction:
    """Give a chunk other bounds. It gets another id, and is embedded."""
    exchange = exchange_of(request.scope)
    corrected = await services_of(request).corrections.chunks.update(
        exchange.caller,
        chunk_id,
        start=wanted.start,
        end=wanted.end,
        reason=wanted.reason,
        deadline=exchange.deadline,
    )
    return _of(request, corrected)


async def merge_chunks(request: Request, wanted: ChunksToMerge) -> Correction:
    """Make one chunk of several. It is embedded."""
    exchange = exchange_of(request.scope)
    corrected = await services_of(request).corrections.chunks.merge(
        exchange.caller, wanted.chunk_ids, reason=wanted.reason, deadline=exchange.deadline
    )
    return _of(request, corrected)


async def undo_chunk(request: Request, chunk_id: ChunkId, wanted: Undone) -> Correction:
    """Undo the correction that made a chunk: those before it are there again."""
    exchange = exchange_of(request.scope)
    corrected = await services_of(request).corrections.chunks.undo(
        exchange.caller, chunk_id, reason=wanted.reason, deadline=exchange.deadline
    )
    return _of(request, corrected)


async def judge_chain(request: Request, query_id: QueryId, chain: ChainNumber, wanted: ChainJudgement) -> Correction:
    """Call a chain of an answer right or wrong. An answer with a wrong one is not given from the cache again."""
    exchange = exchange_of(request.scope)
    corrected = await services_of(request).corrections.chains.judge(
        exchange.caller, query_id, chain, valid=wanted.valid, reason=wanted.reason, deadline=exchange.deadline
    )
    return _of(request, corrected)


async def clear_outputs(request: Request, wanted: RevisionToClear) -> ClearedOutputs:
    """Throw away what a model said; asked again, it says the same. Refused for an embedder whose vectors are in use."""
    exchange = exchange_of(request.scope)
    cleared = await services_of(request).model_cache.clear(
        exchange.caller, wanted.revision, reason=wanted.reason, deadline=exchange.deadline
    )
    return ClearedOutputs(revision=cleared.revision, entries=cleared.entries)


def _of(request: Request, corrected: Corrected) -> Correction:
    position = shown(request, corrected.position) if corrected.changed else None
    return Correction(id=corrected.id, document_id=corrected.document_id, position=position)


CORRECTED = {"id": "r1", "document_id": "articles/lovelace", "position": 20}
RECUT = {**CORRECTED, "id": "9d1e"}
REFUSALS = (404, 409)
WHY = {"reason": "her letters"}

HANDLERS = {
    "orphaned_relation_list": Handler(
        list_orphaned_relations,
        "relations",
        "List orphaned decisions on relations.",
        raises=(400,),
        example={
            "orphaned": [
                {
                    "document_id": "articles/lovelace",
                    "relation_id": "r1",
                    "statement": None,
                    "predicate": None,
                    "confidence": None,
                    "valid": False,
                    "reason": "her letters",
                }
            ],
            "next": None,
        },
    ),
    "orphaned_chunk_list": Handler(
        list_orphaned_chunks,
        "chunks",
        "List orphaned corrections of chunks.",
        raises=(400,),
        example={
            "orphaned": [
                {"document_id": "articles/lovelace", "chunk_id": "5f0c", "replaced": ["77aa"], "reason": "her letters"}
            ],
            "next": None,
        },
    ),
    "relation_reader": Handler(
        read_relation,
        "relations",
        "Read a relation with its sentence.",
        raises=(404,),
        example={
            "relation": {**RELATION, "time": None, "valid_from": None, "valid_until": None},
            "sentence": "Ada Lovelace wrote the first program for the Analytical Engine.",
        },
    ),
    "relation_corrector": Handler(
        correct_relation,
        "relations",
        "Correct a relation.",
        raises=REFUSALS,
        request={"predicate": "publish", **WHY},
        example=CORRECTED,
    ),
    "relation_judge": Handler(
        judge_relation,
        "relations",
        "Validate or reject a relation.",
        raises=REFUSALS,
        request={"valid": False, **WHY},
        example=CORRECTED,
    ),
    "relation_undoer": Handler(
        undo_relation,
        "relations",
        "Undo what was decided on a relation.",
        raises=REFUSALS,
        request=WHY,
        example=CORRECTED,
    ),
    "chunk_updater": Handler(
        update_chunk,
        "chunks",
        "Give a chunk other bounds.",
        raises=REFUSALS,
        request={"start": 0, "end": 120, **WHY},
        example=RECUT,
    ),
    "chunk_merger": Handler(
        merge_chunks,
        "chunks",
        "Merge chunks.",
        raises=REFUSALS,
        request={"chunk_ids": ["5f0c", "77aa"], **WHY},
        example=RECUT,
    ),
    "chunk_undoer": Handler(
        undo_chunk, "chunks", "Undo a correction of chunks.", raises=REFUSALS, request=WHY, example=RECUT
    ),
    "chain_judge": Handler(
        judge_chain,
        "reasoning",
        "Validate or reject a chain of an answer.",
        raises=REFUSALS,
        request={"valid": False, **WHY},
        example={"id": "q1", "document_id": None, "position": 21},
    ),
    "output_clearer": Handler(
        clear_outputs,
        "system",
        "Throw away what a model said.",
        raises=REFUSALS,
        request={"revision": "en_core_web_sm@3.8.0/analysis-1", **WHY},
        example={"revision": "en_core_web_sm@3.8.0/analysis-1", "entries": 31},
    ),
}
