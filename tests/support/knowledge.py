"""The use cases over the embedded stores, with stories in every read model. No model runs."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annals.composition.storage import storage_of
from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from reasoning.embedder import OneEmbedder, Vectors
from reasoning.engine import Reasoner
from reasoning.judged_graph import JudgedGraph
from security.audit import AuditEntry
from services.citations import Citations
from services.reasoning.answer_documents import AnswerDocuments
from services.reasoning.ask import AskService
from services.reasoning.recorder import AnswerRecorder
from services.reasoning.service import ReasoningService
from services.search.search import SearchPassages
from services.storage.use_cases import Storage
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.stories import Story, vector_of


class StoryEmbedder:
    """Of the stories' own model: what a text says is in its words alone."""

    revision = Story("any", ()).embedder

    async def load(self) -> None:
        """It is loaded."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, 8)."""
        return np.stack([vector_of(text, 8) for text in texts])


class RememberedAudit:
    """What was recorded."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(self, entry: AuditEntry) -> None:
        """Remember it."""
        self.entries.append(entry)


@dataclass(frozen=True)
class Knowledge:
    """Everything opened, and what happened."""

    stores: Stores
    history: History
    storage: Storage
    ask: AskService
    search: SearchPassages
    audit: RememberedAudit

    async def tell(self, *stories: Story) -> None:
        """These happen, and every read model has them."""
        await self.history.tell(*stories)
        await self.follow()

    async def follow(self) -> None:
        """Every read model is as far as the log."""
        for projection in self.stores.projections.values():
            await follow(projection.projector, self.history)


@contextlib.asynccontextmanager
async def open_knowledge(dsn: str, data: Path, **settings: Any) -> AsyncIterator[Knowledge]:
    """On a fresh database."""
    async with open_stores(load_settings(data=data, **settings), dsn) as stores:
        await open_read_models(stores)
        history = History(stores.pool, stores.reader, stores.commands, stores.texts, stores.outputs)
        read, citations = stores.read, Citations(stores.texts)
        ask = AskService(
            Reasoner(JudgedGraph(read.graph, read.relational), read.passages, OneEmbedder(StoryEmbedder())),
            AnswerRecorder(stores.commands),
            stores.reader,
            read.passages,
            read.answers,
            read.limits,
            AnswerDocuments(read.relational, citations),
            per_minute=None,
        )
        search = SearchPassages(read.passages, read.graph, read.relational, ReasoningService(ask), citations)
        audit = RememberedAudit()
        yield Knowledge(stores, history, storage_of(stores, audit), ask, search, audit)
        await ask.close()
