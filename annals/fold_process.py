"""What runs in a process that folds for a replay. It loads little: each replay starts some."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from annals.composition.master_keys import open_master_key, stream_keys
from annals.composition.read_models import read_models
from annals.settings import Settings, load_settings
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool, close_pool, open_pool
from eventstore.reader import EventReader
from eventstore.texts import TextStore
from projections.changes import ReadModel
from projections.fold_workers import Named, serve
from projections.vector.model import ChunksToEmbed, MakeVectors

CONNECTIONS = 3
"""One reads the log; the others read keys, texts and outputs."""


@contextlib.asynccontextmanager
async def opened(named: Named) -> AsyncIterator[tuple[EventReader, Sequence[ReadModel]]]:
    """The log of the settings, and the read models of these names."""
    settings = load_settings()
    assert settings.postgres is not None, "whoever started this process says where it is"
    async with contextlib.AsyncExitStack() as stack:
        pool = await open_pool(settings.postgres.get_secret_value(), max_size=CONNECTIONS)
        stack.push_async_callback(close_pool, pool)
        keys = await stream_keys(settings, pool, await stack.enter_async_context(open_master_key(settings)))
        outputs = ModelOutputs(pool, keys.ids)
        vectors = _made_vectors(settings, pool, outputs, stack)
        models = {one.name: one for one in read_models(TextStore(pool, keys), outputs, vectors)}
        yield EventReader(pool, keys), [models[name].of(revision) for name, revision in named]


def _made_vectors(
    settings: Settings, pool: PostgresPool, outputs: ModelOutputs, stack: contextlib.AsyncExitStack
) -> MakeVectors:
    """What makes vectors is loaded with the first one that is not kept: nearly always all are."""
    made: list[MakeVectors] = []

    async def vectors(revision: str, missing: Sequence[ChunksToEmbed]) -> Mapping[str, bytes]:
        if not made:
            from annals.composition.inference import MadeVectors, known_embedders
            from eventstore.embedders import EmbedderNames

            opened = MadeVectors(settings, outputs, known_embedders(settings, EmbedderNames(pool)))
            stack.callback(opened.close)
            made.append(opened)
        return await made[0](revision, missing)

    return vectors


if __name__ == "__main__":
    asyncio.run(serve(opened))
