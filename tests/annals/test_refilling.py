"""A broker that lost everything is filled again from what PostgreSQL knows, whatever became of the read models."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from annals.composition.stores import open_read_models, open_stores
from annals.embedded.broker import free_port
from annals.settings import load_settings
from contracts.topics import topics
from eventstore.log import EventLog
from eventstore.pool import open_pool
from eventstore.positions import ConsumerPositions
from services.operations.progress import READ_MODELS, STAGES, overall_low_watermark
from tests.conftest import BrokerServer
from tests.eventstore.kafka.relaying import consume, events, wait_for_position

ALL_PARTITIONS = {partition for topic in topics().events for partition in topic.all_partitions}
DOCUMENTS = next(topic for topic in topics().events if topic.name == "annals.documents")


@contextmanager
def relay_without_read_models(dsn: str, broker: str, data: Path) -> Iterator[None]:
    """The relay as a process of the servers profile, where no server answers but PostgreSQL and Kafka."""
    nobody = f"127.0.0.1:{free_port()}"
    options = {
        "ANNALS_PROFILE": "servers",
        "ANNALS_POSTGRES": dsn,
        "ANNALS_BROKER": broker,
        "ANNALS_NEO4J": f"bolt://{nobody}",
        "ANNALS_OPENSEARCH": f"http://{nobody}",
        "ANNALS_REDIS": f"redis://{nobody}/0",
        "ANNALS_DATA": str(data),
    }
    with (data / "relay.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "annals", "run", "relay"], env=os.environ | options, stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def test_it_needs_no_read_models_server(dsn: str, broker: BrokerServer, tmp_path: Path) -> None:
    with EventLog.connect(dsn) as log:
        stored = log.append(events(10))
        with relay_without_read_models(dsn, broker.address, tmp_path):
            wait_for_position(dsn, stored[-1].position or 0)
            broker.kill()
            broker.start()
            late = log.append(events(3, "late"))
            wait_for_position(dsn, late[-1].position or 0, epoch=2)
            messages = consume(broker.address, 13)
    assert len(messages) == 13, (tmp_path / "relay.log").read_text()[-2000:]


async def test_the_lowest_of_all_consumers_counts(dsn: str) -> None:
    """One that was never heard of, a new read model, needs everything."""
    pool = await open_pool(dsn)
    try:
        positions = ConsumerPositions(pool)
        assert await overall_low_watermark(positions, topics()) == 0
        for stage in STAGES:
            await positions.advance(stage, dict.fromkeys(DOCUMENTS.all_partitions, 70))
        for name in ("relational", "vector"):
            await positions.advance(name, dict.fromkeys(ALL_PARTITIONS, 60))
        assert await overall_low_watermark(positions, topics()) == 0
        await positions.advance("graph", dict.fromkeys(ALL_PARTITIONS, 50))
        assert await overall_low_watermark(positions, topics()) == 50
        await positions.advance("graph", dict.fromkeys(ALL_PARTITIONS, 90))
        assert await overall_low_watermark(positions, topics()) == 60
    finally:
        await pool.close()


@pytest.mark.parametrize("name", READ_MODELS)
async def test_a_read_model_that_was_lost_needs_everything_again(dsn: str, tmp_path: Path, name: str) -> None:
    async with open_stores(load_settings(data=tmp_path), dsn) as services:
        await open_read_models(services)
        for model in READ_MODELS:
            await services.projections[model].store.write([], dict.fromkeys(ALL_PARTITIONS, 40))
            await services.positions.advance(model, dict.fromkeys(ALL_PARTITIONS, 40))
        await open_read_models(services)
        assert {model: await low_watermark_of(services.positions, model) for model in READ_MODELS} == dict.fromkeys(
            READ_MODELS, 40
        ), "what is there stays"

        await services.pool.execute(f"DROP SCHEMA {name} CASCADE")
        await open_read_models(services)
        assert {model: await low_watermark_of(services.positions, model) for model in READ_MODELS} == dict.fromkeys(
            READ_MODELS, 40
        ) | {name: 0}


async def low_watermark_of(positions: ConsumerPositions, name: str) -> int:
    """The lowest position of a consumer among the documents' partitions, which every read model follows."""
    found = await positions.of(name)
    return min(found.get(partition, 0) for partition in DOCUMENTS.all_partitions)
