"""Chunks that people make: no longer than an index takes, of texts that are kept, and no model loaded in the loop."""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from aggregates.cause import RefusedError
from eventstore.errors import MissingTextError
from eventstore.outputs import ModelOutputs
from security.access import FULL_ACCESS
from services.caller import Caller
from services.corrections.chunks import MOST_CHARACTERS, CorrectChunks
from services.corrections.relations import CorrectRelations
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from services.processing.recutting import Recutting
from tests.projections.stories import Story, digest, vector_of
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

ADA = Caller("ours", "ada", "test", FULL_ACCESS)
TOWN = Story("town", ("Ada met Bob.", "Bob saw Cleo.", "Cleo left."), tenant="ours")
LONG = Story("long", ("Ada met Bob.", "word " * (MOST_CHARACTERS // 5) + "end."), tenant="ours")


def soon() -> Deadline:
    return Deadline.after(30)


class StoryModels:
    """The stories' own model. `threads`: where it was asked for."""

    revision = TOWN.embedder

    def __init__(self, outputs: ModelOutputs) -> None:
        self._outputs = outputs
        self.threads: list[threading.Thread] = []

    @property
    def embedder(self) -> "StoryModels":
        self.threads.append(threading.current_thread())
        return self

    async def outputs(self, texts: Sequence[str]) -> None:
        made = {digest(text): vector_of(text, 8).astype("<f2").tobytes() for text in texts}
        await self._outputs.put_many(self.revision, made)

    async def tokens(self, text: str) -> int:
        return len(text.split())


class Opened:
    """Two documents, and what corrects their chunks."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge, stores = knowledge, knowledge.stores
        self.models = StoryModels(stores.outputs)
        inference: Any = self.models
        self.recutting = Recutting(stores.texts, inference)
        self.chunks = CorrectChunks(stores.commands, stores.reader, stores.read.passages, self.recutting)

    async def log(self) -> int:
        return await self.knowledge.stores.reader.head()


@pytest.fixture
async def opened(dsn: str, tmp_path: Path) -> AsyncIterator[Opened]:
    async with open_knowledge(dsn, tmp_path) as knowledge:
        await knowledge.tell(TOWN, LONG)
        yield Opened(knowledge)


async def test_new_bounds_are_kept_and_taken_back_without_a_model_in_the_event_loop(opened: Opened) -> None:
    first, second, _ = TOWN.chunks
    made = await opened.chunks.update(ADA, first.chunk_id, start=0, end=second.start + 3, deadline=soon())
    assert made.changed and made.document_id == "town"
    await opened.knowledge.follow()
    opened.models.threads.clear()
    undone = await opened.chunks.undo(ADA, made.id, deadline=soon())
    assert undone.changed
    assert opened.models.threads[0] is not threading.main_thread(), "it is loaded elsewhere"


async def test_what_was_decided_on_a_relation_that_no_chunk_covers_is_taken_back(opened: Opened) -> None:
    stores, first, (met, *_) = opened.knowledge.stores, TOWN.chunks[0], TOWN.related.relations
    relations = CorrectRelations(stores.commands, stores.reader, stores.read.relational, stores.read.passages)
    await relations.judge(ADA, met.relation_id, valid=False, deadline=soon())
    made = await opened.chunks.update(ADA, first.chunk_id, start=0, end=3, deadline=soon())
    await opened.knowledge.follow()
    with pytest.raises(NotFoundError):
        await relations.show(ADA, met.relation_id, deadline=soon())
    assert (await relations.undo(ADA, met.relation_id, deadline=soon())).changed
    await opened.chunks.undo(ADA, made.id, deadline=soon())
    await opened.knowledge.follow()
    assert (await relations.show(ADA, met.relation_id, deadline=soon())).relation.valid is None


async def test_what_no_index_takes_is_refused_before_anything_is_said(opened: Opened) -> None:
    before, (first, second) = await opened.log(), LONG.chunks
    with pytest.raises(InvalidRequestError, match=f"too many for a chunk, which has at most {MOST_CHARACTERS}"):
        await opened.chunks.update(ADA, first.chunk_id, start=0, end=second.end, deadline=soon())
    with pytest.raises(InvalidRequestError, match="too many for a chunk"):
        await opened.chunks.merge(ADA, [first.chunk_id, second.chunk_id], deadline=soon())
    with pytest.raises(InvalidRequestError, match="is no stretch of a text"):
        await opened.chunks.update(ADA, first.chunk_id, start=5, end=2**31 - 1, deadline=soon())
    assert await opened.log() == before


async def test_a_text_that_is_gone_by_then_is_named(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: object) -> str:
        raise MissingTextError()

    monkeypatch.setattr(opened.recutting, "text", gone)
    with pytest.raises(RefusedError, match="the text of document town is not kept any more; take it in again"):
        await opened.chunks.update(ADA, TOWN.chunks[0].chunk_id, start=0, end=5, deadline=soon())


async def test_of_another_tenant_and_without_the_right(opened: Opened) -> None:
    one = TOWN.chunks[0].chunk_id
    foreign = Caller("theirs", "eve", "test", FULL_ACCESS)
    reader = Caller("ours", "eve", "test", allowed("chunks:read", "documents:read"))
    works: tuple[Callable[[Caller], Awaitable[object]], ...] = (
        lambda caller: opened.chunks.update(caller, one, start=0, end=5, deadline=soon()),
        lambda caller: opened.chunks.merge(caller, [one, TOWN.chunks[1].chunk_id], deadline=soon()),
        lambda caller: opened.chunks.undo(caller, one, deadline=soon()),
    )
    for work in works:
        with pytest.raises(NotFoundError):
            await work(foreign)
        with pytest.raises(AccessDeniedError):
            await work(reader)
