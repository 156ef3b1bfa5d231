"""The next generation of the vector read model in OpenSearch: loaded in bulk, switched to in one step."""

import contextlib
from collections.abc import Sequence

from projections.changes import Change, Positions
from projections.errors import ReadModelReplacedError
from projections.store import CatchUp, Copied, Store
from projections.vector.opensearch import documents
from projections.vector.opensearch.bulk import write_bulk
from projections.vector.opensearch.client import faults
from projections.vector.opensearch.index import index_of
from projections.vector.opensearch.store import OpenSearchVectorStore
from projections.vector.opensearch.switch import block, lift, swap


class OpenSearchGeneration:
    """An index of its own beside the live one. Methods raise StoreUnavailableError."""

    goes_back = False

    def __init__(self, live: OpenSearchVectorStore, generation_id: str) -> None:
        self.store = live.beside(generation_id)
        self._index = index_of(live.name, generation_id)
        self._live = live
        self._client = live.client
        self._blocked: str | None = None

    async def begin(self) -> None:
        """An empty index; what an earlier try left is dropped."""
        await self._drop()
        await self.store.create(self._index)

    async def begin_as(self, source: Store) -> Copied | None:
        """It is always built."""
        return None

    async def load(self, changes: Sequence[Change]) -> int:
        """Take in aggregates that are not there yet; returns the number of rows. Nobody sees them before `finish`."""
        index = await self.store.current()
        await self.store.make_room(index, changes)
        passages = (action for change in changes for action in documents.passages(change))
        response = await write_bulk(self._client, index, passages)
        await write_bulk(self._client, index, [documents.version(change, change.version) for change in changes])
        return response.items

    async def finish(self, positions: Positions) -> None:
        """Show all of it, and remember the positions."""
        index = await self.store.current()
        await write_bulk(self._client, index, documents.positions(positions))
        with faults():
            await self._client.indices.refresh(index=index)

    async def switch(self, catch_up: CatchUp) -> None:
        """While the live one is blocked: take in the last events, become the live one. The old one is then gone."""
        live, successor = await self._live.index(), await self.store.current()
        if live is not None:
            self._blocked = live
            await block(self._client, live, successor)
        try:
            await catch_up()
        except BaseException:
            await self._lift()
            raise
        await swap(self._client, live, successor, self._live.alias, self.store.alias)
        self._blocked = None

    async def discard(self) -> None:
        """Drop it."""
        await self._drop()
        await self._lift()

    async def _lift(self) -> None:
        """Let the live one be written again."""
        if self._blocked is not None:
            # Gone where the switch was made and only its answer was lost.
            with contextlib.suppress(ReadModelReplacedError):
                await lift(self._client, self._blocked)
            self._blocked = None

    async def _drop(self) -> None:
        index = await self.store.index()
        if index is not None:
            with faults():
                await self._client.indices.delete(index=index, params={"ignore_unavailable": "true"})
