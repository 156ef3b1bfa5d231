"""Vectors of another embedder for chunks that are there: chunks do not depend on the embedder."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.batches import batches
from contracts.event_types import AggregateKind
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from eventstore.texts import TextStore
from inference.runner import Inference
from services.caller import Caller
from services.deadline import Deadline
from services.processing.embedder_input import EmbedderInputs
from services.processing.stage import SLICE_BYTES

KINDS: frozenset[AggregateKind] = frozenset({"document"})
CORRELATION = "embed-anew"


class EmbedAnew:
    """Has the embedder of the settings embed what another one embedded, of every tenant: one worker serves them all.

    What it made is in the log; a read model has it when it was built anew, or its projection came so far.
    Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(self, commands: Commands, reader: EventReader, texts: TextStore, inference: Inference) -> None:
        self._commands = commands
        self._reader = reader
        self._texts = texts
        self._inference = inference

    async def total(self, caller: Caller, *, deadline: Deadline) -> int:
        """Documents that are looked at."""
        caller.require("models", "execute")
        async with deadline.enforce("counting documents"):
            return await self._reader.count_aggregates(KINDS)

    async def embed(self, caller: Caller, report: Callable[[int], None], *, deadline: Deadline) -> int:
        """How many documents were embedded anew; `report` gets how many were looked at.

        What was embedded stays when it is called off. Raises InferenceError, ConflictError.
        """
        caller.require("models", "execute")
        async with deadline.enforce("embedding anew"):
            revision = self._inference.embedder.revision
            looked, embedded = 0, 0
            async for aggregates in self._reader.aggregates(KINDS, await self._reader.head()):
                states = (Document.project(events) for events in aggregates)
                due = [state for state in states if state is not None and _is_due(state, revision)]
                for part in batches(due, lambda state: state.text.bytes, max_bytes=SLICE_BYTES):
                    embedded += await self._embed(caller, part, revision)
                looked += len(aggregates)
                report(looked)
            return embedded

    async def _embed(self, caller: Caller, part: Sequence[Document], revision: str) -> int:
        keys = {(state.tenant, state.document_id, state.text.digest): state for state in part}
        texts = await self._texts.get_many(list(keys))
        inputs = await asyncio.to_thread(
            lambda: [one for key, state in keys.items() for one in _inputs(state, texts[key])]
        )
        await self._inference.embedder.outputs(inputs)
        appended = await self._commands.execute_many(
            [
                Command(
                    AggregateKey(state.tenant, "document", state.document_id),
                    Document.project,
                    partial(
                        documents.embed_anew,
                        embedder=revision,
                        cause=Cause(replace(caller, tenant=state.tenant).metadata, CORRELATION),
                    ),
                )
                for state in part
            ]
        )
        return sum(bool(events) for events in appended)


def _is_due(state: Document, revision: str) -> bool:
    return not state.deleted and state.chunked is not None and state.chunked.embedder != revision


def _inputs(state: Document, text: str) -> list[str]:
    if state.chunked is None:
        return []
    inputs = EmbedderInputs(state.chunked.title, text, state.attributes)
    return [inputs.of_chunk(chunk) for chunk in state.chunked.chunks]
