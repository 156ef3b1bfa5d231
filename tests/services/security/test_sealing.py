"""What is kept in the clear is sealed in the background, table by table."""

import asyncio

import pytest

from eventstore.errors import StoreUnavailableError
from services.security import sealing
from services.security.sealing import SealKept


class Rows:
    """So many in the clear; the database is away for the first `away` steps."""

    def __init__(self, clear: int, away: int = 0) -> None:
        self.clear, self.away, self.steps = clear, away, 0

    async def seal_some(self, limit: int) -> int:
        """Seal some."""
        self.steps += 1
        if self.steps <= self.away:
            raise StoreUnavailableError()
        done = min(limit, self.clear)
        self.clear -= done
        return done


async def test_all_are_sealed_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "PAUSE_S", 0)
    texts, outputs = Rows(7), Rows(0)
    assert await SealKept([(texts, 3), (outputs, 9)]).seal() == 7
    assert (texts.clear, texts.steps, outputs.steps) == (0, 4, 1)


async def test_while_the_database_is_away_it_is_left_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "PAUSE_S", 0)
    monkeypatch.setattr(sealing, "EVERY_S", 0)
    texts = Rows(2, away=2)
    task = asyncio.create_task(SealKept([(texts, 1)]).keep_sealed())
    async with asyncio.timeout(5):
        while texts.clear:  # noqa: ASYNC110
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
