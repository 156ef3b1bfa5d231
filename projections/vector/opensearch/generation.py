"""A generation of the vector read model in OpenSearch beside the live one: loaded in bulk, switched to in one step."""

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from opensearchpy.exceptions import NotFoundError

from eventstore.errors import StoreUnavailableError
from eventstore.log_ids import LogIds
from eventstore.pool import Connection
from projections.changes import Change, Positions
from projections.errors import ReadModelReplacedError
from projections.store import BuildProgress, Copied, Store
from projections.vector.opensearch import documents
from projections.vector.opensearch.bulk import write_bulk
from projections.vector.opensearch.client import faults
from projections.vector.opensearch.index import alias_of, id_of, index_of
from projections.vector.opensearch.store import OpenSearchVectorStore
from projections.vector.opensearch.switch import block, lift, swap

log = logging.getLogger(__name__)

_PROGRESS = "progress"


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

    async def load(self, changes: Sequence[Change], ids: LogIds) -> int:
        """Take in aggregates that are not there yet; returns the number of rows. Nobody sees them before `finish`.

        Those that were loaded right before a kill may be loaded again: each document keeps its id.
        """
        if not changes:
            return 0
        index = await self.store.current()
        await self.store.make_room(index, changes)
        passages = (action for change in changes for action in documents.passages(change))
        response = await write_bulk(self._client, index, passages)
        await write_bulk(self._client, index, [documents.version(change, change.version) for change in changes])
        before = await self.progress() or BuildProgress(None, 0, False)
        last = ids.stream(changes[-1].key)
        await self._remember(index, BuildProgress(last, before.rows + response.items, False))
        return response.items

    async def progress(self) -> BuildProgress | None:
        """As the last load left it."""
        index = await self.store.index()
        if index is None:
            return None
        try:
            with faults():
                found = (await self._client.get(index=index, id=_PROGRESS))["_source"]
        except NotFoundError:
            return BuildProgress(None, 0, False)
        last = found["aggregate_id"]
        return BuildProgress(UUID(last) if last else None, found["version"], found["kind"] == "finished")

    async def _remember(self, index: str, built: BuildProgress) -> None:
        said = {
            "what": "progress",
            "aggregate_id": "" if built.last is None else str(built.last),
            "version": built.rows,
            "kind": "finished" if built.finished else "loading",
        }
        await write_bulk(self._client, index, [({"index": {"_id": _PROGRESS}}, said)])

    async def finish(self, positions: Positions) -> None:
        """Show all of it, and remember the positions."""
        index = await self.store.current()
        await write_bulk(self._client, index, documents.positions(positions))
        before = await self.progress() or BuildProgress(None, 0, False)
        await self._remember(index, before._replace(finished=True))
        with faults():
            await self._client.indices.refresh(index=index)

    @contextlib.asynccontextmanager
    async def switching(self, connection: Connection, former: str | None) -> AsyncIterator[None]:
        """While the live one is blocked; OpenSearch knows the ids of both."""
        live, successor = await self._live.index(), await self.store.current()
        if live is not None:
            self._blocked = live
            await block(self._client, live, successor)
        try:
            yield
        except BaseException:
            await self._lift()
            raise
        kept = None if live is None else alias_of(self._live.name, id_of(self._live.name, live))
        await swap(self._client, live, successor, self._live.alias, self.store.alias, kept)
        try:
            await self._lift()
        except StoreUnavailableError as error:
            log.warning("%s: what was switched away from takes no writes until it is used again: %s", live, error)
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
