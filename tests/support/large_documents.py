"""Work over a log of large documents, in a process of its own that tells how much memory it took.

`python -m tests.support.large_documents TASK DSN BROKER` prints by how much its resident memory grew at most, in MiB.
"""

import asyncio
import random
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.documents import DocumentChunked, EntitiesExtracted
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.topics import topics
from eventstore.positions import ConsumerPositions
from eventstore.texts import TextStore
from eventstore.transfer import dump
from projections.replay import replay
from services.processing.pieces import groups_of_pieces
from services.processing.recent import RecentDocuments
from services.processing.stage import StageOutput, StageRunner
from streams.stage_handler import StageHandler
from tests.eventstore.kafka.relaying import relaying, wait_for_position
from tests.projections.history import History, open_history
from tests.projections.models import NAMES, generations_of, open_model
from tests.projections.stories import Story

TEXT_BYTES = 8_000_000
CHUNK_BYTES = 32_000


def stories(count: int) -> list[Story]:
    """Documents of about TEXT_BYTES, in chunks of about CHUNK_BYTES, of which no two are alike; of few, long words."""
    chance = random.Random(1)
    return [
        Story(
            f"d{number}",
            tuple(
                f"Ada met Bob{index}. {chance.getrandbits(256):x} " + ("and" * 133 + " ") * (CHUNK_BYTES // 400)
                for index in range(TEXT_BYTES // CHUNK_BYTES)
            ),
        )
        for number in range(count)
    ]


class Reading:
    """A stage behind chunking that reads the texts and finds nothing in them."""

    name, revision = "entities", "nothing@1"
    triggers = frozenset({EventType.DOCUMENT_CHUNKED})

    def __init__(self, texts: TextStore) -> None:
        self._texts = texts

    def is_due(self, document: Document, event: DomainEvent) -> bool:
        """As the entity stage has it."""
        return document.is_present(event.event_id) and document.extracted is None

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> list[StageOutput]:
        """Nothing, of every document."""
        async for group in groups_of_pieces(self._texts, [document for document, _ in batch]):
            assert all(piece.text for piece in group)
        return [
            EntitiesExtracted(content=document.text.digest, model="nothing@1", mentions=(), aliases=())
            for document, _ in batch
        ]

    def decide(self, document: Document | None, of: UUID, result: StageOutput, cause: Cause) -> Sequence[DomainEvent]:
        """The Document's decision."""
        assert isinstance(result, EntitiesExtracted)
        return documents.extract_entities(document, of, result, cause)


async def stage(history: History) -> None:
    """Every document at once."""
    chunked: list[DomainEvent] = []
    position = 0
    while events := await history.reader.after(position, 1000):
        position = events[-1].position or 0
        chunked += [event for event in events if isinstance(event.event_data, DocumentChunked)]
    handler = StageHandler(
        StageRunner(Reading(history.texts), history.commands, RecentDocuments()),
        ConsumerPositions(history.pool),
        topics(),
    )
    await handler.handle(chunked, {})


async def replays(history: History) -> None:
    """All read models from nothing."""
    live = [await open_model(name, history) for name in NAMES]
    models = [(one.model, one.store) for one in live]
    await replay(models, generations_of(history, *models), history.reader, topics(), lambda _: None)


async def export(history: History) -> None:
    """The whole log to nowhere."""
    with tempfile.TemporaryFile() as file:
        await dump(history.pool, file, outputs=True, report=lambda _: None)


async def relay(history: History, dsn: str, broker: str) -> None:
    """The whole log to a broker."""
    head = await history.reader.head()
    with relaying(dsn, broker):
        await asyncio.to_thread(wait_for_position, dsn, head)


async def work(task: str, dsn: str, broker: str) -> int:
    """Do one of them; returns by how many MiB memory grew."""
    async with open_history(dsn) as history:
        before = memory("VmRSS")
        forget_peak()
        if task == "relay":
            await relay(history, dsn, broker)
        else:
            await {"stage": stage, "replay": replays, "export": export}[task](history)
        return memory("VmHWM") - before


def memory(name: str) -> int:
    """Of this process, in MiB (proc_pid_status(5))."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def forget_peak() -> None:
    """The peak of memory counts from now on (proc_pid_clear_refs(5))."""
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    print(asyncio.run(work(*sys.argv[1:])))
