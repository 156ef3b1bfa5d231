"""What chunks name and are about; what a document of nothing but names costs in memory: it may hold a million."""

import asyncio
import tracemalloc
from types import SimpleNamespace
from typing import Any, cast

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.codec import encode
from contracts.documents import Chunk, DocumentChunked, DocumentContent, Mention, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.unvalidated import decode_unvalidated
from inference import analysis
from inference.analysis import Analysis, EntitySpan
from inference.cached import CachedModel
from inference.model import digest_of
from services.processing.entities import Entities
from tests.inference.memory import MemoryOutputs

SENTENCES = "Paris. Rome. Oslo. "
CHUNK = 50 * len(SENTENCES)
CHUNKS = 60
TEXT = SENTENCES * (50 * CHUNKS)
MENTIONS = 3 * 50 * CHUNKS
MADE_BYTES, READ_BYTES = 900, 550
"""For each mention, of which an 8 MiB text of this kind has 1.3 million."""
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


def chunked(title: str = "t") -> tuple[Document, DomainEvent]:
    """The document, and the event that sets the stage off."""
    text = TextReference(digest=digest_of(TEXT), characters=len(TEXT), bytes=len(TEXT))
    content = DocumentContent(title=title, text=text, uri=None, attributes={})
    ingested = documents.ingest(None, "names", content, CAUSE)
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
    events = documents.chunk(document, ingested[0].event_id, result, CAUSE)
    document = Document.project([*ingested, *events])
    assert document is not None
    return document, events[-1]


def test_every_chunk_of_a_document_without_a_title_is_about_what_its_text_opens_with() -> None:
    model = CachedModel("model@1", _analyse, MemoryOutputs())
    inference = SimpleNamespace(entities=model, relations=model)
    text = ("Port Lisse is a town on the coast. " + TEXT)[: len(TEXT)]
    for title, expected in (("", "Port Lisse"), ("Harbours", "Harbours")):
        document, event = chunked(title)
        (result,) = asyncio.run(Entities(cast(Any, Texts(text)), cast(Any, inference)).work([(document, event)]))
        aliases = cast(Any, result).aliases
        assert [(alias.name, alias.chunk_id) for alias in aliases] == [(expected, f"chunk{n}") for n in range(CHUNKS)]


def test_mentions_take_little_memory_when_made_and_when_read_back() -> None:
    model = CachedModel("model@1", _analyse, MemoryOutputs())
    inference = SimpleNamespace(entities=model, relations=model)
    stage = Entities(cast(Any, Texts()), cast(Any, inference))
    document, event = chunked()
    # Analysed beforehand: what the store holds is no memory of the stage.
    asyncio.run(stage.work([(document, event)]))
    tracemalloc.start()
    try:
        (result,) = asyncio.run(stage.work([(document, event)]))
        decided = stage.decide(document, event.event_id, result, CAUSE)
        _, made = tracemalloc.get_traced_memory()
        stored = [encode(one) for one in decided]
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        read = [decode_unvalidated(one) for one in stored]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    mentions: list[Mention] = [mention for one in read for mention in cast(Any, one.event_data).mentions]
    assert len(mentions) == MENTIONS and mentions[1].name == "Rome" and len(decided) > 1
    assert mentions[-1].end == len(TEXT) - 2 and TEXT[mentions[-1].start : mentions[-1].end] == "Oslo"
    assert made / MENTIONS < MADE_BYTES and (peak - before) / MENTIONS < READ_BYTES, (made, peak - before)
