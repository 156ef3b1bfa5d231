"""The response cache's storage: hishel's SQLite file, used from threads.

hishel's own asynchronous storage needs one more library. The answers kept here are small (a listing of a model's files,
not the files), so each is read whole and the synchronous storage does the rest outside the event loop.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import hishel

KEEP_S = 30 * 86400.0
"""An answer nobody asked for in so long is dropped."""
LARGEST = 4 * 1024 * 1024
"""Bytes; a larger answer is used and not kept."""


class AnswerStore(hishel.AsyncBaseStorage):
    """Keeps answers in one SQLite file, which several processes may share."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._store = hishel.SqliteStorage(database_path=path, default_tti=KEEP_S, max_stream_size=LARGEST)

    async def create_entry(
        self,
        request: hishel.Request,
        response: hishel.Response,
        key: str,
        *,
        ttl: float | None = None,
        tti: float | None = None,
    ) -> hishel.Entry:
        """Keep the answer, and give it back with its body read."""
        body = await _read(response)

        def keep() -> hishel.Entry:
            whole = replace(response, stream=iter([body]))
            entry = self._store.create_entry(request, whole, key, ttl=ttl, tti=tti)
            # The row counts from when its body was read to the end.
            for _ in entry.response.stream or ():  # type: ignore[union-attr]
                pass
            return entry

        entry = await asyncio.to_thread(keep)
        return replace(entry, response=replace(response, stream=_once(body)))

    async def get_entries(self, key: str) -> list[hishel.Entry]:
        """Every whole answer kept under the key."""

        def load() -> list[tuple[hishel.Entry, bytes]]:
            return [(entry, b"".join(entry.response.stream or ())) for entry in self._store.get_entries(key)]  # type: ignore[arg-type]

        found = await asyncio.to_thread(load)
        return [replace(entry, response=replace(entry.response, stream=_once(body))) for entry, body in found]

    async def update_headers(self, id: UUID, headers: hishel.Headers) -> None:
        """After the server said that nothing had changed."""
        await asyncio.to_thread(self._store.update_headers, id, headers)

    async def remove_entry(self, id: UUID) -> None:
        """Forget one answer."""
        await asyncio.to_thread(self._store.remove_entry, id)

    async def close(self) -> None:
        """Close the file."""
        await asyncio.to_thread(self._store.close)


async def _read(response: hishel.Response) -> bytes:
    if isinstance(response.stream, AsyncIterator):
        return b"".join([chunk async for chunk in response.stream])
    return b"".join(response.stream or ())


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
