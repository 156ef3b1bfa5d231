"""Somebody else's server: used where it is empty, or where they said that it may be emptied.

The tests delete what they find in Kafka, Neo4j, OpenSearch and Redis. In PostgreSQL each has a database of its own.
"""

from collections.abc import Callable, Mapping, Sequence

import httpx
from confluent_kafka.admin import AdminClient
from neo4j import GraphDatabase
from redis import Redis

from tests.servers.neo4j import without_credentials

MAY_WIPE = "ANNALS_TEST_MAY_WIPE"
LIMIT_S = 30.0
SHOWN = 3

Contents = Callable[[str], Sequence[str]]
"""What is in the server at an address, in words; nothing in an empty one."""


def refusal(name: str, variable: str, contents: Sequence[str], env: Mapping[str, str]) -> str | None:
    """Why the server that `variable` gives is not used, in one line; None where it may be."""
    if not contents or env.get(MAY_WIPE) == "1":
        return None
    more = f" and {len(contents) - SHOWN} more" if len(contents) > SHOWN else ""
    return (
        f"the {name} of {variable} holds {', '.join(contents[:SHOWN])}{more}, and these tests would delete what it "
        f"holds; give an empty one, or set {MAY_WIPE}=1"
    )


def of_kafka(address: str) -> list[str]:
    """Topics, without Kafka's own."""
    found = AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=LIMIT_S).topics
    return [f"topic {name}" for name in sorted(found) if not name.startswith("__")]


def of_neo4j(address: str) -> list[str]:
    """How many nodes."""
    uri, auth = without_credentials(address)
    with GraphDatabase.driver(uri, auth=auth) as driver:
        count = driver.execute_query("MATCH (n) RETURN count(n) AS count").records[0]["count"]
    return [f"nodes ({count})"] if count else []


def of_opensearch(address: str) -> list[str]:
    """Indices, without those that OpenSearch makes for itself."""
    answer = httpx.get(f"{address}/_cat/indices?h=index&format=json", timeout=LIMIT_S).raise_for_status()
    names = sorted(str(row["index"]) for row in answer.json())
    return [f"index {name}" for name in names if not name.startswith((".", "top_queries-"))]


def of_redis(address: str) -> list[str]:
    """How many keys of this database."""
    with Redis.from_url(address) as client:
        count = client.dbsize()
    return [f"keys ({count})"] if count else []


def of_postgres(address: str) -> list[str]:
    """Nothing that is in danger: what is there already is left alone."""
    return []
