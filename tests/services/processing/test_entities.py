"""What chunks name and are about; what a document of nothing but names costs in memory: it may hold a million."""

import asyncio
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts import limits
from contracts.codec import encode
from contracts.documents import Chunk, DocumentChunked, DocumentContent, EntitiesExtracted, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.ids import entity_id
from inference import analysis
from inference.analysis import Analysis, EntitySpan
from inference.cached import CachedModel
from inference.model import digest_of
from services.processing import pieces
from services.processing.entities import Entities
from tests.inference.memory import MemoryOutputs

SENTENCES = "Paris. Rome. Oslo. "
CHUNK = 50 * len(SENTENCES)
CHUNKS = 80
TEXT = SENTENCES * (50 * CHUNKS)
MENTIONS = 3 * 50 * CHUNKS
GROUP_BYTES, PART_BYTES = 4096, 16 * 1024
MADE_BYTES, FOLDED_BYTES = 1024 * 1024, 512 * 1024
"""As objects, 450 bytes each, the mentions would take 5 MiB, and their events 3 MiB more."""
CAUSE = Cause(EventMetadata(tenant="ours"), correlation_id="c1")


class Texts:
    """Holds the one text, whatever it is asked for."""

    def __init__(self, text: str = TEXT) -> None:
        self._text = text

    async def get_many(self, keys: Any) -> dict[Any, str]:
        return dict.fromkeys(keys, self._text)


async def _analyse(texts: Any) -> list[bytes]:
    """Every word is a place, as the parser would have it."""
    outputs: list[bytes] = []
    for text in texts:
        spans, start = [], 0
        for word in text.split():
            start = text.index(word, start)
            spans.append(EntitySpan(start, start + len(word) - 1, word[:-1], "GPE", 0.85))
        outputs.append(analysis.encode(Analysis(tuple(spans))))
    return outputs


def chunked(title: str = "t", *, tenant: str = "ours") -> tuple[Document, DomainEvent]:
    """The document, and the event that sets the stage off."""
    text = TextReference(digest=digest_of(TEXT), characters=len(TEXT), bytes=len(TEXT))
    cause = replace(CAUSE, metadata=EventMetadata(tenant=tenant))
    content = DocumentContent(title=title, text=text, uri=None, attributes={})
    ingested = documents.ingest(None, "names", content, cause)
    chunks = tuple(
        Chunk(
            chunk_id=f"chunk{index}",
            index=index,
            start=index * CHUNK,
            end=(index + 1) * CHUNK,
            tokens=300,
            digest=digest_of(str(index)),
            input_digest=digest_of(str(index)),
        )
        for index in range(CHUNKS)
    )
    document = Document.project(ingested)
    result = DocumentChunked(content=text.digest, title=title, chunker="c", embedder="e", chunks=chunks)
    events = documents.chunk(document, ingested[0].event_id, result, cause)
    document = Document.project([*ingested, *events])
    assert document is not None
    return document, events[-1]


def test_every_chunk_of_a_document_without_a_title_is_about_what_its_text_opens_with() -> None:
    model = CachedModel("model@1", _analyse, MemoryOutputs())
    inference = SimpleNamespace(entities=model, relations=model)
    text = ("Port Lisse is a town on the coast. " + TEXT)[: len(TEXT)]
    for title, expected in (("", "Port Lisse"), ("Harbours", "Harbours")):
        stage = Entities(cast(Any, Texts(text)), cast(Any, inference))
        (parts,) = asyncio.run(stage.work([chunked(title)]))
        aliases = [alias for part in parts for alias in cast(EntitiesExtracted, part).aliases]
        assert [(alias.name, alias.chunk_id) for alias in aliases] == [(expected, f"chunk{n}") for n in range(CHUNKS)]


def peak_of(work: Callable[[], object]) -> int:
    """Bytes that Python allocated for it at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_mentions_are_no_more_than_a_few_at_once_when_made_and_when_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "GROUP_BYTES", GROUP_BYTES)
    monkeypatch.setattr(limits, "PART_BYTES", PART_BYTES)
    model = CachedModel("model@1", _analyse, MemoryOutputs())
    inference = SimpleNamespace(entities=model, relations=model)
    stage = Entities(cast(Any, Texts()), cast(Any, inference))
    document, event = chunked()
    # Analysed beforehand: what the store holds is no memory of the stage.
    asyncio.run(stage.work([(document, event)]))
    decided: list[Sequence[DomainEvent]] = []

    def extract() -> None:
        (result,) = asyncio.run(stage.work([(document, event)]))
        decided.append(stage.decide(document, event.event_id, result, CAUSE))
        for one in decided[0]:
            encode(one)

    made = peak_of(extract)
    state = Document.project(decided[0], document)
    folded = peak_of(lambda: Document.project(decided[0], document))
    mentions = [mention for one in decided[0] for mention in cast(EntitiesExtracted, one.event_data).mentions]
    assert len(mentions) == MENTIONS and mentions[1].name == "Rome" and len(decided[0]) > 10
    assert mentions[-1].end == len(TEXT) - 2 and TEXT[mentions[-1].start : mentions[-1].end] == "Oslo"
    assert state is not None and state.extracted is not None and state.extracted.count == 3
    assert made < MADE_BYTES and folded < FOLDED_BYTES, (made, folded)


def test_one_name_is_another_entity_for_each_tenant() -> None:
    model = CachedModel("model@1", _analyse, MemoryOutputs())
    stage = Entities(cast(Any, Texts()), cast(Any, SimpleNamespace(entities=model, relations=model)))
    ours, theirs = chunked(), chunked(tenant="theirs")
    both = asyncio.run(stage.work([ours, theirs]))
    for (document, _), parts in zip((ours, theirs), both, strict=True):
        found = {(one.entity_id, one.name) for part in parts for one in cast(EntitiesExtracted, part).mentions}
        assert found == {(entity_id(document.tenant, name), name) for name in ("Paris", "Rome", "Oslo")}
