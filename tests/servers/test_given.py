"""Somebody else's server is only emptied if they said so."""

import httpx
import pytest
from neo4j import GraphDatabase
from redis import Redis

from tests.servers.given import MAY_WIPE, of_kafka, of_neo4j, of_opensearch, of_redis, refusal
from tests.servers.handles import Server

VARIABLE = "ANNALS_TEST_KAFKA"


def test_an_empty_server_is_used() -> None:
    assert refusal("Kafka", VARIABLE, [], {}) is None


def test_a_server_that_holds_something_is_refused_in_one_line_that_says_what() -> None:
    said = refusal("Kafka", VARIABLE, [f"topic t{number}" for number in range(5)], {})
    assert said == (
        "the Kafka of ANNALS_TEST_KAFKA holds topic t0, topic t1, topic t2 and 2 more, and these tests would delete "
        "what it holds; give an empty one, or set ANNALS_TEST_MAY_WIPE=1"
    )


@pytest.mark.parametrize(("value", "allowed"), [("1", True), ("0", False), ("", False), ("yes", False)])
def test_only_a_clear_word_allows_to_wipe(value: str, allowed: bool) -> None:
    assert (refusal("Kafka", VARIABLE, ["topic t"], {MAY_WIPE: value}) is None) == allowed


def test_what_kafka_holds(kafka: str, topic: str) -> None:
    assert f"topic {topic}" in of_kafka(kafka)
    assert not any("__" in found for found in of_kafka(kafka))


def test_what_neo4j_holds(_neo4j: Server, neo4j_uri: str, neo4j_auth: tuple[str, str] | None, name: str) -> None:
    with GraphDatabase.driver(neo4j_uri, auth=neo4j_auth) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
        assert of_neo4j(_neo4j.address) == []
        driver.execute_query("CREATE (:Thing {test: $test})", test=name)
        assert of_neo4j(_neo4j.address) == ["nodes (1)"]
        driver.execute_query("MATCH (n) DETACH DELETE n")


def test_what_opensearch_holds(opensearch_url: str, name: str) -> None:
    for index in (name, f".{name}"):
        httpx.put(f"{opensearch_url}/{index}", timeout=30).raise_for_status()
    found = of_opensearch(opensearch_url)
    for index in (name, f".{name}"):
        httpx.delete(f"{opensearch_url}/{index}", timeout=30).raise_for_status()
    assert f"index {name}" in found and f"index .{name}" not in found


def test_what_redis_holds(redis_url: str, name: str) -> None:
    with Redis.from_url(redis_url) as client:
        client.flushdb()
        assert of_redis(redis_url) == []
        client.set(name, b"value")
        assert of_redis(redis_url) == ["keys (1)"]
        client.flushdb()
