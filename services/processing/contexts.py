"""The vectors of the chunks that name an entity, as the embedder kept them: no model runs."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from contracts.documents import ChunkMerged, ChunkUpdated, DocumentChunked, DocumentContent
from eventstore.keys import AggregateKey
from eventstore.names import NamedEntity
from eventstore.outputs import ModelOutputs
from eventstore.reader import EventReader

Vectors = NDArray[np.float32]

MOST_CONTEXTS = 4
"""Of an entity: the chunks of its first documents."""
MOST_CHUNKS = 50_000
"""Of so many, or those of a single document, the digests are remembered: about 10 MB."""

Chunks = Mapping[str, str]
"""Chunk to the digest of what the embedder read."""


class Contexts:
    """`model` says the embedder's revision, that of the one that serves: vectors of two models never meet."""

    def __init__(self, reader: EventReader, outputs: ModelOutputs, model: Callable[[], str]) -> None:
        self._reader = reader
        self._outputs = outputs
        self._model = model
        self._chunks: OrderedDict[tuple[str, str, int], Chunks] = OrderedDict()
        self._remembered = 0

    async def of(self, tenant: str, entities: Mapping[str, Sequence[NamedEntity]]) -> dict[str, list[Vectors]]:
        """Of each entity the vectors of length 1 of its first chunks, those that are kept."""
        digests: dict[str, list[str]] = {}
        for entity, names in entities.items():
            found: dict[str, None] = {}
            for name in names:
                if len(found) == MOST_CONTEXTS:
                    break
                digest = (await self._chunks_of(tenant, name)).get(name.chunk_id)
                if digest is not None:
                    found[digest] = None
            digests[entity] = list(found)
        wanted = sorted({digest for own in digests.values() for digest in own})
        kept = await self._outputs.get_many(self._model(), wanted) if wanted else {}
        vectors = {digest: _of_length_one(output) for digest, output in kept.items()}
        return {entity: [vectors[digest] for digest in own if digest in vectors] for entity, own in digests.items()}

    async def _chunks_of(self, tenant: str, name: NamedEntity) -> Chunks:
        """Of the content that the document had when it named the entity."""
        key = (tenant, name.document_id, name.version)
        if key not in self._chunks:
            read = dict(await self._read(AggregateKey(tenant, "document", name.document_id), name.version))
            self._chunks[key] = read
            self._remembered += 1 + len(read)
            while self._remembered > MOST_CHUNKS and len(self._chunks) > 1:
                self._remembered -= 1 + len(self._chunks.popitem(last=False)[1])
        self._chunks.move_to_end(key)
        return self._chunks[key]

    async def _read(self, document: AggregateKey, version: int) -> Iterable[tuple[str, str]]:
        """The chunks stand in the events before the entities; people may have corrected some of them in between."""
        found: list[tuple[str, str]] = []
        for before in range(version - 1, 0, -1):
            (event,) = await self._reader.of_aggregate(*document, after_version=before - 1, limit=1) or (None,)
            match event and event.event_data:
                case DocumentChunked(chunks=chunks, part=part):
                    found += ((chunk.chunk_id, chunk.input_digest) for chunk in chunks)
                    if part == 1:
                        break
                case ChunkUpdated(chunk=chunk) | ChunkMerged(chunk=chunk):
                    found.append((chunk.chunk_id, chunk.input_digest))
                case None | DocumentContent():
                    break
        return found


def _of_length_one(output: bytes) -> Vectors:
    """A vector at rest, float16, as float32."""
    row = np.frombuffer(output, dtype="<f2").astype(np.float32)
    length = float(np.linalg.norm(row))
    return row / length if length > 0 else row
