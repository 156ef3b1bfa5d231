"""How Neo4j and OpenSearch tell whose they are.

Redis needs no owner: what it keeps goes by the state of the read models.
"""

import asyncio

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import NotFoundError

from annals.composition.servers import Servers
from annals.settings import Settings
from eventstore.ownership import check_owner
from projections.errors import ReadModelReplacedError
from projections.graph.neo4j.connection import Neo4jDriver, alone
from projections.vector.opensearch.client import faults

INDEX = "annals-owner"
ID = "log"
_SETTINGS = {"settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}}


async def owners(servers: Servers) -> dict[str, str | None]:
    """The log that each server belongs to, by the server's name; None for one without an owner.

    Raises StoreUnavailableError.
    """
    graph, vectors = await asyncio.gather(_of_neo4j(servers.neo4j), _of_opensearch(servers.opensearch))
    return {"Neo4j": graph, "OpenSearch": vectors}


async def claim(servers: Servers, log: str) -> None:
    """Make them this log's. Raises ForeignServerError where one is another's, StoreUnavailableError."""
    for name, owner in (await owners(servers)).items():
        check_owner(name, [owner], log, holds="the read models", cure="empty that one")
    await asyncio.gather(_claim_neo4j(servers.neo4j, log), _claim_opensearch(servers.opensearch, log))


async def owners_of(settings: Settings) -> dict[str, str | None]:
    """The owners of the servers that the settings name. Raises StoreUnavailableError."""
    servers = Servers(settings)
    try:
        return await owners(servers)
    finally:
        await servers.close()


async def _of_neo4j(driver: Neo4jDriver) -> str | None:
    rows = await alone(driver, "MATCH (o:AnnalsOwner) RETURN o.log AS log ORDER BY log")
    return str(rows[0]["log"]) if rows else None


async def _claim_neo4j(driver: Neo4jDriver, log: str) -> None:
    await alone(driver, "MERGE (o:AnnalsOwner {log: $log})", log=log)


async def _of_opensearch(client: AsyncOpenSearch) -> str | None:
    try:
        with faults():
            found = await client.get(index=INDEX, id=ID)
    except (NotFoundError, ReadModelReplacedError):
        return None
    return str(found["_source"]["log"])


async def _claim_opensearch(client: AsyncOpenSearch, log: str) -> None:
    """Two that come at once write the same, or the second finds out at its next start."""
    with faults():
        await client.indices.create(index=INDEX, body=_SETTINGS, params={"ignore": 400})
        await client.index(index=INDEX, id=ID, body={"log": log}, params={"op_type": "create", "ignore": 409})
