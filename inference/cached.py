"""Running a model only on texts it never saw."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial

from external.beside import Beside
from inference.model import OutputStore, digest_of

BATCH = 256
SLICE_CHARACTERS = 8 * 1024
"""Text that a model is given at once: a fraction of a second, then whoever else waits has a turn."""
Run = Callable[[Sequence[str]], Awaitable[list[bytes]]]


class CachedModel:
    """Outputs come from the store where they are, else from the model, and are then stored, slice by slice.

    Each caller has one slice at a time in the model's queue, so those who ask at the same time are served in turns, and
    what was made stays when the rest is called off. One slice is stored while the model has the next one.
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
        theirs = {digest: self._running[digest] for digest in digests if digest in self._running}
        found = await self._claim([digest for digest in digests if digest not in theirs], texts)
        if theirs:
            await asyncio.wait(theirs.values())
            found.update({digest: other.result() for digest, other in theirs.items() if not other.cancelled()})
            # Whoever ran these was called off; we were not.
            abandoned = [digest for digest, other in theirs.items() if other.cancelled()]
            found.update(await self._of_part(abandoned, texts) if abandoned else {})
        return found

    async def _claim(self, digests: list[str], texts: dict[str, str]) -> dict[str, bytes]:
        """Find or make these, while others who ask for them wait."""
        loop = asyncio.get_running_loop()
        claimed = {digest: loop.create_future() for digest in digests}
        self._running.update(claimed)
        try:
            found = await self._found_or_made(digests, texts) if digests else {}
        except BaseException as error:
            for running in claimed.values():
                if isinstance(error, Exception):
                    running.set_exception(error)
                    running.exception()  # seen: nobody else may be waiting
                else:
                    running.cancel()
            raise
        else:
            for digest, running in claimed.items():
                running.set_result(found[digest])
            return found
        finally:
            for digest in claimed:
                del self._running[digest]

    async def _found_or_made(self, digests: list[str], texts: dict[str, str]) -> dict[str, bytes]:
        found = await self._store.get_many(self.revision, digests)
        async with Beside("storing outputs") as storing:
            for part in _slices([digest for digest in digests if digest not in found], texts):
                outputs = await self._run([texts[digest] for digest in part])
                made = dict(zip(part, outputs, strict=True))
                await storing.begin(partial(self._store.put_many, self.revision, made))
                found.update(made)
        return found


def _parts(digests: list[str]) -> list[list[str]]:
    return [digests[start : start + BATCH] for start in range(0, len(digests), BATCH)]


def _slices(digests: Sequence[str], texts: Mapping[str, str]) -> Iterator[list[str]]:
    """Cut so that a slice has at most SLICE_CHARACTERS of text, or one text."""
    part: list[str] = []
    characters = 0
    for digest in digests:
        if part and characters + len(texts[digest]) > SLICE_CHARACTERS:
            yield part
            part, characters = [], 0
        part.append(digest)
        characters += len(texts[digest])
    if part:
        yield part
