"""Writing passages into OpenSearch and searching them, beside the plain client with the same documents and searches."""

import statistics
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np
from opensearchpy import AsyncOpenSearch
from opensearchpy.helpers import async_bulk

from bench.history import DIMENSION, EMBEDDER, TENANT
from bench.servers import Figures, Stopwatch
from eventstore.log_ids import PUBLIC_IDS
from projections.changes import Change
from projections.vector.opensearch import documents
from projections.vector.opensearch.bulk import CHUNK_BYTES, Action
from projections.vector.opensearch.generation import OpenSearchGeneration
from projections.vector.opensearch.live import LiveOpenSearchVectorStore
from projections.vector.opensearch.reader import OpenSearchPassages
from projections.vector.opensearch.snapshot import snapshot

ROUNDS = 3
WRITES_REQUIRED = 0.7
SEARCHES_REQUIRED = 1.2
QUESTIONS = 200
WARM_UP = 50
DEPTH = 100
"""Passages that a search brings: as many as reasoning asks for."""
POSITIONS = {("documents", 0): 1}
LIMIT_S = 60

Portions = Sequence[Sequence[Change]]
Ask = Callable[[], Coroutine[Any, Any, object]]


class _Recording(AsyncOpenSearch):
    """Remembers what it searched for, so that the plain client can be asked the very same."""

    asked: dict[str, Any]

    async def search(self, *, body: Any = None, index: Any = None, params: Any = None, headers: Any = None) -> Any:
        self.asked = {"body": body, "index": index, "params": params, "headers": headers}
        return await super().search(body=body, index=index, params=params, headers=headers)


async def measure(url: str, portions: Portions, texts: Sequence[str]) -> Figures:
    """Documents a second of a bulk load, and the p50 of searches by meaning and by words, each beside the client.

    Raises StoreUnavailableError.
    """
    name = f"annals-bench-{uuid4().hex[:8]}"
    async with (
        AsyncOpenSearch(url, timeout=LIMIT_S, max_retries=0) as client,
        _Recording(url, timeout=LIMIT_S, max_retries=0) as recording,
    ):
        generation = LiveOpenSearchVectorStore(client, name).generation("round")
        try:
            writes = await _writes(client, generation, portions, name)
            searches = await _searches(client, generation.store.alias, recording, texts)
        finally:
            await client.indices.delete(index=f"{name}-*")
            await client.indices.delete_index_template(name=name)
    return {"writes": writes, **searches}


async def _writes(client: AsyncOpenSearch, generation: OpenSearchGeneration, portions: Portions, name: str) -> Figures:
    plain = f"{name}-plain"
    actions = [_plainly(action) for portion in portions for action in _actions(portion)]
    actions += [_plainly(action) for action in documents.positions(POSITIONS)]
    ours, theirs = [], []
    # The first round is for the server to get warm.
    for _ in range(1 + ROUNDS):
        ours.append(await _load(generation, portions))
        theirs.append(await _create(client, plain, actions))
    async with generation.store.snapshot() as mine, snapshot(client, plain) as other:
        assert await mine.digests() == await other.digests()
    loaded, created = statistics.median(ours[1:]), statistics.median(theirs[1:])
    ratio = round(created / loaded, 3)
    return {
        "of": "documents a second of a bulk load, beside async_bulk of the same into a like index (medians)",
        "ratio": ratio,
        "required": WRITES_REQUIRED,
        "reached": ratio >= WRITES_REQUIRED,
        "documents": len(actions),
        "per_s": {"loaded": round(len(actions) / loaded), "loaded_plainly": round(len(actions) / created)},
    }


async def _load(generation: OpenSearchGeneration, portions: Portions) -> float:
    """Seconds."""
    await generation.discard()
    watch = Stopwatch()
    await generation.begin()
    for portion in portions:
        await generation.load(portion, PUBLIC_IDS)
    await generation.finish(POSITIONS)
    return watch.seconds


async def _create(client: AsyncOpenSearch, index: str, actions: Sequence[dict[str, Any]]) -> float:
    """Seconds. Mapping and settings are those of the template that the generation left."""
    await client.indices.delete(index=index, params={"ignore_unavailable": "true"})
    watch = Stopwatch()
    await client.indices.create(index=index)
    await async_bulk(client, actions, index=index, max_chunk_bytes=CHUNK_BYTES)
    await client.indices.refresh(index=index)
    return watch.seconds


def _actions(portion: Sequence[Change]) -> list[Action]:
    passages = [action for change in portion for action in documents.passages(change)]
    return passages + [documents.version(change, change.version) for change in portion]


def _plainly(action: Action) -> dict[str, Any]:
    """As the client's helpers take it, without the version that guards against older writers."""
    (operation,), document = action[0].values(), action[1]
    return {"_op_type": "index", "_id": operation["_id"], "_source": document}


async def _searches(client: AsyncOpenSearch, alias: str, recording: _Recording, texts: Sequence[str]) -> Figures:
    ours, recorded = OpenSearchPassages(client, alias), OpenSearchPassages(recording, alias)
    vectors = np.random.default_rng(13).standard_normal((QUESTIONS, DIMENSION)).astype(np.float32)
    # The first words of a passage: what is looked for is there, and so are many like it.
    questions = [" ".join(text.split()[:8]) for text in texts[:: len(texts) // QUESTIONS]]
    return {
        "nearest": await _beside(
            client,
            recording,
            [
                (
                    partial(ours.nearest, TENANT, EMBEDDER, vector, DEPTH),
                    partial(recorded.nearest, TENANT, EMBEDDER, vector, DEPTH),
                )
                for vector in vectors
            ],
        ),
        "matching": await _beside(
            client,
            recording,
            [
                (partial(ours.matching, TENANT, words, DEPTH), partial(recorded.matching, TENANT, words, DEPTH))
                for words in questions
            ],
        ),
    }


async def _beside(client: AsyncOpenSearch, recording: _Recording, asks: Sequence[tuple[Ask, Ask]]) -> Figures:
    """Each question both ways, now ours first and now the client's: who is second may find the server's caches full."""
    milliseconds: tuple[list[float], list[float]] = ([], [])
    for number, (ask, record) in enumerate(asks):
        await record()
        both: tuple[Ask, Ask] = (ask, partial(client.search, **recording.asked))
        for which in (0, 1) if number % 2 else (1, 0):
            watch = Stopwatch()
            await both[which]()
            milliseconds[which].append(watch.seconds * 1000)
    # The first searches are for the server to get warm.
    mine, other = (statistics.median(each[WARM_UP:]) for each in milliseconds)
    ratio = round(mine / other, 3)
    return {
        "of": "p50 of a search, beside the client with the same body; less is better",
        "ratio": ratio,
        "required_at_most": SEARCHES_REQUIRED,
        "reached": ratio <= SEARCHES_REQUIRED,
        "milliseconds": {"p50": round(mine, 2), "client_p50": round(other, 2)},
    }
