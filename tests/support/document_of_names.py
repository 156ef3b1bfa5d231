"""The stages over one document of nothing but names, in a process of its own that tells how much memory they took.

`python -m tests.support.document_of_names DSN BYTES` prints by how much its resident memory grew at most, in MiB. A
third of the names are said once; each name is said to have met the next. What the model says is made up, the rest is
real.
"""

import asyncio
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.documents import Chunk, DocumentChunked, DocumentContent, TextReference
from contracts.envelope import EventMetadata
from contracts.topics import topics
from eventstore.commands import Command
from eventstore.keys import AggregateKey
from eventstore.positions import ConsumerPositions
from inference import analysis
from inference.analysis import Analysis, EntitySpan, NameSpan, RelationSpan
from inference.cached import CachedModel
from inference.model import digest_of
from services.processing.completion import Completion
from services.processing.entities import Entities
from services.processing.recent import RecentDocuments
from services.processing.relationships import Relationships
from services.processing.stage import Stage, StageRunner
from streams.stage_handler import StageHandler
from tests.projections.history import History, open_history
from tests.support.large_documents import forget_peak, memory

CHUNK = 1900
KEY = AggregateKey("default", "document", "names")
CAUSE = Cause(EventMetadata(), correlation_id="c1", event_id=UUID(int=1))
_NAME = re.compile(r"\w+")


def text_of(characters: int) -> str:
    """As many names as fit."""
    count = characters // len("Paris. Rome. Oslo1234567. ")
    return " ".join(f"Paris. Rome. Oslo{number:07}." for number in range(count))


def chunks_of(text: str) -> tuple[Chunk, ...]:
    """Cut anywhere."""
    return tuple(
        Chunk(
            chunk_id=f"chunk{index}",
            index=index,
            start=start,
            end=min(start + CHUNK, len(text)),
            tokens=300,
            digest=digest_of(str(index)),
            input_digest=digest_of(str(index)),
        )
        for index, start in enumerate(range(0, len(text), CHUNK))
    )


async def analyse(texts: Sequence[str]) -> list[bytes]:
    """Every word is a place, and did something to the next."""
    return [analysis.encode(_analysis(text)) for text in texts]


def _analysis(text: str) -> Analysis:
    spans = [NameSpan(found.start(), found.end(), found[0]) for found in _NAME.finditer(text)]
    return Analysis(
        tuple(EntitySpan(*span, "GPE", 0.85) for span in spans),
        tuple(RelationSpan(one, "met", other, one.start, other.end, 0.8) for one, other in pairwise(spans)),
    )


async def take_in(history: History, text: str) -> None:
    """The document, and its chunks, as if there were vectors of them."""
    await history.texts.put_many([(KEY.tenant, KEY.aggregate_id, text)])
    reference = TextReference(digest=digest_of(text), characters=len(text), bytes=len(text))
    content = DocumentContent(title="t", text=reference)
    chunked = DocumentChunked(content=reference.digest, title="t", chunker="c", embedder="e", chunks=chunks_of(text))
    for decide in (
        lambda state: documents.ingest(state, KEY.aggregate_id, content, CAUSE),
        lambda state: documents.chunk(state, UUID(int=1), chunked, Cause(EventMetadata(), "c1")),
    ):
        await history.commands.execute(Command(KEY, Document.project, decide))


async def run(history: History, stage: Stage) -> None:
    """On the event that sets it off."""
    events = (await history.reader.last.of_types([KEY], stage.triggers)).values()
    handler = StageHandler(
        StageRunner(stage, history.commands, RecentDocuments()), ConsumerPositions(history.pool), topics()
    )
    await handler.handle(list(events), {})


async def work(dsn: str, characters: int) -> int:
    """All stages; returns by how many MiB memory grew."""
    text = text_of(characters)
    async with open_history(dsn) as history:
        await take_in(history, text)
        model = CachedModel("names@1", analyse, history.outputs)
        inference = cast(Any, SimpleNamespace(entities=model, relations=model))
        before = memory("VmRSS")
        forget_peak()
        for stage in (
            Entities(history.texts, inference),
            Relationships(history.texts, inference),
            Completion(history.texts, inference),
        ):
            await run(history, stage)
            print(stage.name, memory("VmHWM") - before, file=sys.stderr)
        states = [state async for state in history.commands.load_in_batches([KEY], Document.project)]
        done = states[0][KEY].processed
        # Where a chunk ends within a name, its pieces are what others may be called.
        assert done is not None and done.entities > 0.99 * text.count("Paris"), done
        assert done.relations > 0.99 * text.count(". "), done
        return memory("VmHWM") - before


if __name__ == "__main__":
    print(asyncio.run(work(sys.argv[1], int(sys.argv[2]))))
