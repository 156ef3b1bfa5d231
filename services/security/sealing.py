"""Sealing what was stored before contents were sealed, in the background."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from contracts.errors import AnnalsError

log = logging.getLogger(__name__)

EVERY_S = 3600.0
PAUSE_S = 0.2
"""Behind each step, so that live work keeps its speed."""


class InTheClear(Protocol):
    """Rows of which some may not be sealed yet."""

    async def seal_some(self, limit: int) -> int:
        """Seal at most `limit` of them; returns how many there were."""
        ...


class SealKept:
    """`tables`: each with how many rows a step seals."""

    def __init__(self, tables: Sequence[tuple[InTheClear, int]]) -> None:
        self._tables = tables

    async def keep_sealed(self) -> None:
        """Now, and once in EVERY_S, since an import may bring more; until cancelled."""
        while True:
            try:
                sealed = await self.seal()
                if sealed:
                    log.info("sealed: %d texts, originals and model outputs that were kept in the clear", sealed)
            except AnnalsError as error:
                log.warning("what is kept in the clear is sealed later: %s", error)
            await asyncio.sleep(EVERY_S)

    async def seal(self) -> int:
        """All of them; returns how many there were. Raises StoreUnavailableError, MasterKeyError."""
        total = 0
        for table, rows in self._tables:
            while sealed := await table.seal_some(rows):
                total += sealed
                await asyncio.sleep(PAUSE_S)
        return total
