"""The parser begins on chunks while they are still being embedded.

It has a process of its own. Without that it waits for the first batch to be embedded, and works alone on the last one.
"""

import asyncio
import contextlib
from collections.abc import Sequence

from inference.runner import Inference


class ParsingAhead:
    """One batch at a time: a parser that is slower than the embedder is not given more and more."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._running: asyncio.Task[None] | None = None

    def begin(self, texts: Sequence[str]) -> None:
        """Have these parsed, if it has nothing from here. Whoever asks for them waits for what runs already."""
        if texts and (self._running is None or self._running.done()):
            self._running = asyncio.create_task(self._parse(texts), name="parsing ahead")

    async def _parse(self, texts: Sequence[str]) -> None:
        # What cannot be parsed, or kept, is met again by the stage that needs it, and is its failure.
        with contextlib.suppress(Exception):
            await self._inference.relations.outputs(texts)
