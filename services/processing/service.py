"""AiProcessingService (specification 1.2): texts of callers through the same models as documents, and nothing kept."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from contracts import ids
from inference.analysis import Analysis, decode
from inference.cached import CachedModel
from inference.chunking import ChunkSpan
from inference.runner import Inference
from services.caller import Caller
from services.deadline import Deadline
from services.processing.chunking import Follow, as_it_is
from services.processing.interface import (
    EntityExtractionRequest,
    EntityExtractionResponse,
    ExtractedEntity,
    MappedRelationship,
    Metadata,
    RelationshipMappingRequest,
    RelationshipMappingResponse,
    SemanticChunkingRequest,
    SemanticChunkingResponse,
    TextChunk,
)
from services.requests import check
from services.work_limit import WorkLimit

RUNNING, WAITING = 2, 32
"""One text is cut while another one is read; more at once would only be slower, each of them."""


class AiProcessingService:
    """`inference` is to have a store that keeps nothing; `follow` has it cut by the embedder that serves now."""

    def __init__(self, inference: Inference, follow: Follow = as_it_is) -> None:
        self._inference = inference
        self._follow = follow
        self._work = WorkLimit(RUNNING, WAITING)

    async def extract_entities(
        self, caller: Caller, request: EntityExtractionRequest, deadline: Deadline
    ) -> EntityExtractionResponse:
        """What the text names, each span once."""
        async with self._allowed(caller, request, deadline, "extracting entities"):
            began = time.monotonic()
            spans = await self._cut(request.text)
            model = self._inference.entities
            entities: dict[tuple[int, int, str], ExtractedEntity] = {}
            for chunk, analysis in await _analysed(model, request.text, spans):
                for found in analysis.entities:
                    if ids.normalise_name(found.name):
                        start, end = chunk.start + found.start, chunk.start + found.end
                        # Overlapping chunks name it twice.
                        entities.setdefault(
                            (start, end, found.type),
                            ExtractedEntity(found.name, found.type, start, end, found.confidence),
                        )
        ordered = tuple(sorted(entities.values(), key=lambda one: (one.start, one.end, one.type)))
        return EntityExtractionResponse(
            entities=ordered,
            processing_time=time.monotonic() - began,
            confidence_scores=_highest((one.name, one.confidence) for one in ordered),
            metadata=_metadata(model.revision, request.text, spans),
        )

    async def create_chunks(
        self, caller: Caller, request: SemanticChunkingRequest, deadline: Deadline
    ) -> SemanticChunkingResponse:
        """Cut as the stage `chunking` cuts; no vectors are made."""
        async with self._allowed(caller, request, deadline, "cutting a text"):
            began = time.monotonic()
            spans = await self._cut(request.text)
        return SemanticChunkingResponse(
            chunks=tuple(
                TextChunk(index, span.start, span.end, span.tokens, request.text[span.start : span.end])
                for index, span in enumerate(spans)
            ),
            processing_time=time.monotonic() - began,
            metadata=_metadata(self._inference.chunker.revision, request.text, spans),
        )

    async def map_relationships(
        self, caller: Caller, request: RelationshipMappingRequest, deadline: Deadline
    ) -> RelationshipMappingResponse:
        """Who does what to whom, each statement once."""
        async with self._allowed(caller, request, deadline, "mapping relationships"):
            began = time.monotonic()
            spans = await self._cut(request.text)
            model = self._inference.relations
            found: dict[tuple[str, str, str, int], MappedRelationship] = {}
            for chunk, analysis in await _analysed(model, request.text, spans):
                for one in analysis.relations:
                    subject, obj, start = one.subject.name, one.object.name, chunk.start + one.start
                    if ids.normalise_name(subject) and ids.normalise_name(obj):
                        found.setdefault(
                            (subject, one.predicate, obj, start),
                            MappedRelationship(
                                subject, one.predicate, obj, start, chunk.start + one.end, one.confidence,
                                one.negated, one.modality, one.time, one.valid_from, one.valid_until,
                            ),
                        )  # fmt: skip
        ordered = tuple(sorted(found.values(), key=lambda one: (one.start, one.end, one.subject, one.object)))
        return RelationshipMappingResponse(
            relationships=ordered,
            processing_time=time.monotonic() - began,
            confidence_scores=_highest((one.predicate, one.confidence) for one in ordered),
            metadata=_metadata(model.revision, request.text, spans),
        )

    @asynccontextmanager
    async def _allowed(self, caller: Caller, request: object, deadline: Deadline, what: str) -> AsyncIterator[None]:
        """Who may not, and what is not right, waits for nothing."""
        caller.require("processing", "execute")
        check(request)
        async with deadline.enforce(what), self._work.turn(caller.tenant, deadline):
            yield

    async def _cut(self, text: str) -> list[ChunkSpan]:
        await self._follow()
        return await asyncio.to_thread(lambda: self._inference.chunker.split(text))


async def _analysed(model: CachedModel, text: str, spans: Sequence[ChunkSpan]) -> list[tuple[ChunkSpan, Analysis]]:
    outputs = await model.outputs([text[span.start : span.end] for span in spans])
    return [(span, decode(output)) for span, output in zip(spans, outputs, strict=True)]


def _highest(scores: Iterable[tuple[str, float]]) -> dict[str, float]:
    highest: dict[str, float] = {}
    for name, score in scores:
        highest[name] = max(score, highest.get(name, 0.0))
    return highest


def _metadata(revision: str, text: str, spans: Sequence[ChunkSpan]) -> Metadata:
    return {"model": revision, "characters": len(text), "chunks": len(spans)}
