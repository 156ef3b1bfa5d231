"""Running a model only on texts it never saw."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from inference.model import OutputStore, digest_of

BATCH = 256
Run = Callable[[Sequence[str]], Awaitable[list[bytes]]]


class CachedModel:
    """Outputs come from the store where they are, else from the model, and are then stored.

    Two callers that ask for the same text at once share one run of it.
    """

    def __init__(self, revision: str, run: Run, store: OutputStore) -> None:
        self.revision = revision
        self._run = run
        self._store = store
        self._running: dict[str, asyncio.Future[bytes]] = {}

    async def outputs(self, texts: Sequence[str]) -> list[bytes]:
        """One output for each text, in order. Raises what the model or the store raises."""
        digests = [digest_of(text) for text in texts]
        by_digest = dict(zip(digests, texts, strict=True))
        found: dict[str, bytes] = {}
        for part in _parts(list(by_digest)):
            found.update(await self._of_part(part, by_digest))
        return [found[digest] for digest in digests]

    async def _of_part(self, digests: list[str], texts: dict[str, str]) -> dict[str, bytes]:
        found = await self._store.get_many(self.revision, digests)
        missing = [digest for digest in digests if digest not in found]
        theirs = {digest: self._running[digest] for digest in missing if digest in self._running}
        ours = [digest for digest in missing if digest not in theirs]
        if ours:
            found.update(await self._make(ours, [texts[digest] for digest in ours]))
        for digest, running in theirs.items():
            found[digest] = await asyncio.shield(running)
        return found

    async def _make(self, digests: list[str], texts: list[str]) -> dict[str, bytes]:
        loop = asyncio.get_running_loop()
        for digest in digests:
            self._running[digest] = loop.create_future()
        try:
            made = dict(zip(digests, await self._run(texts), strict=True))
            await self._store.put_many(self.revision, made)
        except BaseException as error:
            for digest in digests:
                running = self._running.pop(digest)
                if isinstance(error, Exception):
                    running.set_exception(error)
                    running.exception()  # seen: nobody else may be waiting
                else:
                    running.cancel()
            raise
        for digest, output in made.items():
            self._running.pop(digest).set_result(output)
        return made


def _parts(digests: list[str]) -> list[list[str]]:
    return [digests[start : start + BATCH] for start in range(0, len(digests), BATCH)]
