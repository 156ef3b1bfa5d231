"""Processes that start at once find or make the read models, whoever comes first."""

import asyncio
import contextlib
from pathlib import Path

from neo4j import GraphDatabase

from annals.composition.stores import open_read_models
from tests.servers.profile import services_of

PROCESSES = 4


async def test_processes_that_start_at_once_make_the_read_models_once(
    empty_env: dict[str, str],
    neo4j_uri: str,
    neo4j_auth: tuple[str, str] | None,
    postgres_dsn: str,
    tmp_path: Path,
) -> None:
    """On servers that are new, without even a constraint: there they would get into each other's way."""
    with GraphDatabase.driver(neo4j_uri, auth=neo4j_auth) as driver:
        for row in driver.execute_query("SHOW CONSTRAINTS YIELD name").records:
            driver.execute_query(f"DROP CONSTRAINT {row['name']}")
    async with contextlib.AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(services_of(tmp_path, postgres_dsn, empty_env)) for _ in range(PROCESSES)
        ]
        await asyncio.gather(*(open_read_models(services) for services in opened))
        (first, *others) = [
            [await one.store.content_tag("default") for one in services.projections.values()] for services in opened
        ]
        assert all(other == first for other in others)
