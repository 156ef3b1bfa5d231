"""The pipeline in the servers profile: on whichever servers the fixtures found."""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient
from neo4j import GraphDatabase
from opensearchpy import OpenSearch
from redis import Redis

from annals.composition.stores import Stores, open_stores
from annals.settings import load_settings
from contracts.topics import topics
from eventstore.kafka import ownership

LIMIT_S = 60.0


def settings_of(
    *, kafka: str, neo4j: str, neo4j_auth: tuple[str, str] | None, opensearch: str, redis: str
) -> dict[str, str]:
    """ANNALS_* for these servers; PostgreSQL stays the embedded one."""
    auth = {"ANNALS_NEO4J_USER": neo4j_auth[0], "ANNALS_NEO4J_PASSWORD": neo4j_auth[1]} if neo4j_auth else {}
    return {
        "ANNALS_PROFILE": "servers",
        "ANNALS_BROKER": kafka,
        "ANNALS_NEO4J": neo4j,
        "ANNALS_OPENSEARCH": opensearch,
        "ANNALS_REDIS": redis,
        **auth,
    }


def wipe_kafka(address: str) -> None:
    """Delete the topics of an earlier log."""
    admin = AdminClient({"bootstrap.servers": address})

    def ours() -> list[str]:
        names = {topic.name for topic in topics().all}
        there = admin.list_topics(timeout=LIMIT_S).topics
        return sorted(name for name in there if name in names or name.startswith(ownership.PREFIX))

    for deleted in admin.delete_topics(ours()).values() if ours() else ():
        deleted.result(LIMIT_S)
    end = time.monotonic() + LIMIT_S
    while ours() and time.monotonic() < end:
        time.sleep(0.1)


def wipe(*, kafka: str, neo4j: str, neo4j_auth: tuple[str, str] | None, opensearch: str, redis: str) -> None:
    """Leave nothing of an earlier log: one installation has its servers to itself, and so has a test."""
    wipe_kafka(kafka)
    with GraphDatabase.driver(neo4j, auth=neo4j_auth) as driver, driver.session() as session:
        session.run("MATCH (n) CALL { WITH n DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS").consume()
    client = OpenSearch(opensearch)
    for index in client.indices.get(index="annals*", expand_wildcards="all"):
        client.indices.delete(index=index)
    client.close()
    Redis.from_url(redis).flushdb()


@contextlib.asynccontextmanager
async def services_of(data: Path, dsn: str, env: Mapping[str, str]) -> AsyncIterator[Stores]:
    """Everything opened as the pipeline of these settings has it."""
    async with open_stores(load_settings(data=data, **options_of(env)), dsn) as services:
        yield services


def options_of(env: Mapping[str, str]) -> dict[str, Any]:
    """The same settings by their own names."""
    return {name.removeprefix("ANNALS_").lower(): value for name, value in env.items()}


async def knowledge(services: Stores) -> dict[str, object]:
    """What the read models say, in a form that does not tell which store said it."""
    snapshot = await services.read.graph.snapshot("default")
    return {
        "counts": await services.read.relational.counts("default"),
        "subjects": set(snapshot.subjects),
        "mentions": set(snapshot.mentions),
        "statements": set(snapshot.statements),
        "passages": set(await services.read.passages.all_passages("default")),
    }
