"""One write to the live read model, step by step. OpenSearch has no transactions; each crash is recovered from.

What every step relies on: a passage carries the version of its aggregate that wrote it, and an older version never
replaces a newer one. The document of the aggregate's version comes last and says which version wrote its passages;
passages older than that are stale. So
- a writer that dies before its versions are there leaves newer passages; its events come again and finish the work;
- a writer that was paused and overtaken finds a newer version when it comes to its own, and deletes what it left;
- one that dies even then left the record of an unfinished write: `recover` deletes the rest, as does the next write.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import uuid4

from opensearchpy import AsyncOpenSearch

from projections.changes import Change, Positions, check_versions
from projections.errors import StaleVersionError
from projections.vector.opensearch import documents
from projections.vector.opensearch.bulk import Action, write_bulk
from projections.vector.opensearch.index import owner_of
from projections.vector.opensearch.stale import Found, delete_older, delete_stale, known, refresh


class Write:
    """Changes and positions on their way into one index.

    Steps raise StoreUnavailableError, two of them StaleVersionError.
    """

    def __init__(self, client: AsyncOpenSearch, index: str, changes: Sequence[Change], positions: Positions) -> None:
        self._client = client
        self._index = index
        self._changes = changes
        self._positions = positions
        self._id = f"write/{uuid4()}"
        self._forgotten: Action = ({"delete": {"_id": self._id}}, None)
        self._owners = [owner_of(change.key) for change in changes]
        self._found: dict[str, Found] = {}

    async def run(self) -> None:
        """All steps."""
        if self._changes:
            await self.begin()
            await self.put()
            await self.drop()
            await self.commit()
        await self.finish()

    async def begin(self) -> None:
        """See that the aggregates are where the changes start from, and leave the mark. Raises StaleVersionError."""
        # What a dead writer left must be seen to be dropped; all others left nothing unseen, so this costs little. It
        # comes before the mark: a mark is seen only where another writer's refresh shows half of this write.
        self._found, _ = await asyncio.gather(
            known(self._client, self._index, self._owners), refresh(self._client, self._index)
        )
        there = {
            change.key: self._found[owner].version
            for change, owner in zip(self._changes, self._owners, strict=True)
            if owner in self._found
        }
        check_versions(self._changes, there)
        mark = {"what": "write", "at": time.time(), "owners": self._owners}
        await write_bulk(self._client, self._index, [({"index": {"_id": self._id}}, mark)])

    async def put(self) -> None:
        """The new passages; nobody sees them yet."""
        # A list: a row that cannot be written must show before the first one is.
        actions = [action for change in self._changes for action in documents.passages(change)]
        await write_bulk(self._client, self._index, actions)

    async def drop(self) -> None:
        """The older passages of the same aggregates."""
        limits = {
            owner: change.version
            for change, owner in zip(self._changes, self._owners, strict=True)
            if "passages" in change.sections
        }
        await delete_older(self._client, self._index, limits)

    async def commit(self) -> None:
        """The versions. Raises StaleVersionError."""
        actions = [
            documents.version(change, self._passages_at(change, owner))
            for change, owner in zip(self._changes, self._owners, strict=True)
        ]
        response = await write_bulk(self._client, self._index, actions)
        if response.conflicts:
            await delete_stale(self._client, self._index, self._owners)
            await write_bulk(self._client, self._index, [self._forgotten])
            raise StaleVersionError(f"{len(response.conflicts)} aggregates were written meanwhile")

    async def finish(self) -> None:
        """The positions; the mark is gone, and all of it becomes visible in one step."""
        actions = list(documents.positions(self._positions))
        if self._changes:
            actions.append(self._forgotten)
        await write_bulk(self._client, self._index, actions, refresh=True)

    def _passages_at(self, change: Change, owner: str) -> int:
        """Which version wrote the passages that are there after the change."""
        if "passages" in change.sections:
            return change.version
        return self._found[owner].passages_at if owner in self._found else 0
