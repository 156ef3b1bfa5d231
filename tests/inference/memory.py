"""A store of model outputs that is a dictionary, and says what it was given."""

import asyncio
from collections.abc import Mapping, Sequence


class MemoryOutputs:
    """Implements `inference.model.OutputStore`. Yields to the loop as a database would."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}
        self.written: list[str] = []

    async def get_many(self, model: str, digests: Sequence[str]) -> dict[str, bytes]:
        """What is kept of these digests."""
        found = {digest: self.kept[model, digest] for digest in digests if (model, digest) in self.kept}
        await asyncio.sleep(0)
        return found

    async def put_many(self, model: str, outputs: Mapping[str, bytes]) -> None:
        """Keep these."""
        await asyncio.sleep(0)
        self.kept.update({(model, digest): output for digest, output in outputs.items()})
        self.written.extend(outputs)
