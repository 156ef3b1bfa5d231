"""How far consumers are behind: by the log and their positions alone."""

import pytest

from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from eventstore.lag import RELAY, LagReader
from eventstore.log import EventLog
from eventstore.pool import close_pool, open_pool
from eventstore.positions import ConsumerPositions
from tests.eventstore.kafka.relaying import TOPIC, events

PARTITIONS = [(TOPIC, partition) for partition in range(2)]


@pytest.fixture
def reader(dsn: str) -> LagReader:
    return LagReader(dsn, {"one": PARTITIONS, "two": PARTITIONS})


async def _advance(dsn: str, consumer: str, *positions: int) -> None:
    pool = await open_pool(dsn, max_size=1)
    try:
        await ConsumerPositions(pool).advance(consumer, dict(zip(PARTITIONS, positions, strict=False)))
    finally:
        await close_pool(pool)


def _append(dsn: str, count: int) -> None:
    log = EventLog.connect(dsn)
    try:
        log.append(events(count, prefix=f"of-{count}-"))
    finally:
        log.close()


def test_nobody_is_behind_an_empty_log(reader: LagReader) -> None:
    assert reader.read() == {"one": (0, 0.0), "two": (0, 0.0), RELAY: (0, 0.0)}


async def test_the_slowest_partition_counts(reader: LagReader, dsn: str) -> None:
    assert topics().of(events(1)[0].event_type).name == TOPIC
    _append(dsn, 5)
    await _advance(dsn, "one", 5, 3)
    await _advance(dsn, "two", 5)
    found = reader.read()
    assert {name: count for name, (count, _) in found.items()} == {"one": 2, "two": 5, RELAY: 5}
    assert all(age_s > 0 for _, age_s in found.values())
    await _advance(dsn, "one", 5, 5)
    assert reader.read()["one"] == (0, 0.0)


async def test_the_age_is_that_of_the_first_event_behind(reader: LagReader, dsn: str) -> None:
    _append(dsn, 1)
    first = reader.read()["one"][1]
    _append(dsn, 2)
    await _advance(dsn, "two", 1, 1)
    ages = {name: age_s for name, (_, age_s) in reader.read().items()}
    assert ages["one"] >= first
    assert ages["one"] > ages["two"] > 0


def test_a_database_that_is_away_is_an_error(dsn: str) -> None:
    with pytest.raises(StoreUnavailableError):
        LagReader(dsn.replace("/test_", "/gone_"), {}).read()
