"""What a model said, thrown away: the log tells of it, wherever it is broken off."""

import pytest

from aggregates.cause import Cause
from contracts.envelope import EventMetadata
from contracts.event_types import EventType
from contracts.system import CacheCleared, ModelLoaded, ModelUpdated
from eventstore.commands import Commands
from eventstore.errors import StoreUnavailableError
from eventstore.log import EventLog
from eventstore.log_ids import PUBLIC_IDS
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.processing.model_cache import ModelCache

OPERATOR = Caller("default", "me", "test", FULL_ACCESS)


class Outputs(ModelOutputs):
    """The database goes away after some of it."""

    is_away = True

    async def clear(self, model: str) -> int:
        if self.is_away:
            self.is_away = False
            async with self._pool.acquire() as connection:
                await connection.execute(
                    "DELETE FROM annals.model_outputs WHERE digest IN (SELECT digest FROM annals.model_outputs LIMIT 2)"
                )
            raise StoreUnavailableError
        return await super().clear(model)


class NoPassages:
    """No read model has vectors."""

    async def models(self) -> dict[str, int]:
        return {}


async def test_what_was_broken_off_is_told_of_and_so_is_the_rest(
    pool: PostgresPool, log: EventLog, reader: EventReader, commands: Commands
) -> None:
    cause = Cause(EventMetadata(tenant="default"), "c")
    log.store(
        [
            cause.event(ModelLoaded(task="entities", revision="old"), "entities", 1),
            cause.event(ModelUpdated(task="entities", previous="old", revision="new"), "entities", 2),
        ]
    )
    outputs = Outputs(pool, PUBLIC_IDS)
    await outputs.put_many("old", {f"{number:02x}" * 32: b"said" for number in range(5)})
    cache = ModelCache(commands, reader, outputs, NoPassages())  # type: ignore[arg-type]  # it asks nothing else
    with pytest.raises(StoreUnavailableError):
        await cache.clear(OPERATOR, "old", deadline=Deadline.after(20))
    assert (await cache.clear(OPERATOR, "old", deadline=Deadline.after(20))).entries == 3
    assert await outputs.counts() == {}
    assert (await cache.clear(OPERATOR, "old", deadline=Deadline.after(20))).entries == 0
    told = await reader.of_aggregate("default", "model", "entities", after_version=2)
    assert [event.event_data for event in told] == [
        CacheCleared(revision="old", entries=5),
        CacheCleared(revision="old", entries=3),
    ]
    assert {event.event_type for event in told} == {EventType.CACHE_CLEARED}
