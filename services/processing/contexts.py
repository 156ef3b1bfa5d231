"""The vectors of the chunks that name an entity, as the embedder kept them: no model runs."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from contracts.documents import DocumentChunked
from eventstore.keys import AggregateKey
from eventstore.names import NamedEntity
from eventstore.outputs import ModelOutputs
from eventstore.reader import EventReader

Vectors = NDArray[np.float32]

MOST_CONTEXTS = 4
"""Of an entity: the chunks of its first documents."""
MOST_DOCUMENTS = 512
"""Of so many, what their chunks' digests are is remembered."""

Chunks = Mapping[str, str]
"""Chunk to the digest of what the embedder read."""


class Contexts:
    """`model` is the embedder's revision: vectors of two models never meet."""

    def __init__(self, reader: EventReader, outputs: ModelOutputs, model: str) -> None:
        self._reader = reader
        self._outputs = outputs
        self._model = model
        self._chunks: OrderedDict[tuple[str, str, int], Chunks] = OrderedDict()

    async def of(self, tenant: str, entities: Mapping[str, Sequence[NamedEntity]]) -> dict[str, list[Vectors]]:
        """Of each entity the vectors of length 1 of its first chunks, those that are kept."""
        digests: dict[str, list[str]] = {}
        for entity, names in entities.items():
            found: dict[str, None] = {}
            for name in names:
                digest = (await self._chunks_of(tenant, name)).get(name.chunk_id)
                if digest is not None and len(found) < MOST_CONTEXTS:
                    found[digest] = None
            digests[entity] = list(found)
        wanted = sorted({digest for own in digests.values() for digest in own})
        kept = await self._outputs.get_many(self._model, wanted) if wanted else {}
        return {
            entity: [_of_length_one(kept[digest]) for digest in own if digest in kept]
            for entity, own in digests.items()
        }

    async def _chunks_of(self, tenant: str, name: NamedEntity) -> Chunks:
        """Of the content that the document had when it named the entity."""
        key = (tenant, name.document_id, name.version)
        if key not in self._chunks:
            self._chunks[key] = dict(await self._read(AggregateKey(tenant, "document", name.document_id), name.version))
            while len(self._chunks) > MOST_DOCUMENTS:
                self._chunks.popitem(last=False)
        self._chunks.move_to_end(key)
        return self._chunks[key]

    async def _read(self, document: AggregateKey, version: int) -> Iterable[tuple[str, str]]:
        """The chunks stand in the events right before the entities."""
        found: list[tuple[str, str]] = []
        before = version - 1
        while before > 0:
            (event,) = await self._reader.of_aggregate(*document, after_version=before - 1, limit=1) or (None,)
            if event is None or not isinstance(event.event_data, DocumentChunked):
                break
            found += ((chunk.chunk_id, chunk.input_digest) for chunk in event.event_data.chunks)
            if event.event_data.part == 1:
                break
            before -= 1
        return found


def _of_length_one(output: bytes) -> Vectors:
    """A vector at rest, float16, as float32."""
    row = np.frombuffer(output, dtype="<f2").astype(np.float32)
    length = float(np.linalg.norm(row))
    return row / length if length > 0 else row
