"""Each server does what the stores ask of it, and keeps it when it is killed."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from neo4j import Driver, GraphDatabase
from opensearchpy import OpenSearch
from redis import Redis

from tests.servers.handles import Server

LIMIT_S = 30.0


def _publish(kafka: str, topic: str, values: list[bytes]) -> None:
    producer = Producer(
        {"bootstrap.servers": kafka, "enable.idempotence": True, "acks": "all", "compression.type": "lz4"}
    )
    failures: list[object] = []
    for number, value in enumerate(values):
        producer.produce(
            topic,
            value,
            key=str(number % 5),
            headers={"position": str(number)},
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
    assert producer.flush(LIMIT_S) == 0
    assert failures == []


def _take(kafka: str, topic: str, group: str, number: int) -> list[bytes]:
    """Read that many as a member of the group, and commit."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    try:
        messages = [message for _ in range(number) if (message := consumer.poll(LIMIT_S)) is not None]
        assert [message.error() for message in messages] == [None] * number
        consumer.commit(asynchronous=False)
        return [value for message in messages if (value := message.value()) is not None]
    finally:
        consumer.close()


def test_kafka_carries_messages_to_a_group(kafka: str, topic: str) -> None:
    """Idempotent and compressed in; a group goes on where it was."""
    values = [b"%d" % number * 100 for number in range(50)]
    _publish(kafka, topic, values)
    assert sorted(_take(kafka, topic, f"{topic}-group", 50)) == sorted(values)
    _publish(kafka, topic, [b"more"])
    assert _take(kafka, topic, f"{topic}-group", 1) == [b"more"]


def test_kafka_keeps_messages_and_commits_when_killed(kafka: str, kafka_server: Server, topic: str) -> None:
    """What was acknowledged is there, and so is the group's offset."""
    _publish(kafka, topic, [b"before"])
    assert _take(kafka, topic, f"{topic}-group", 1) == [b"before"]
    _publish(kafka, topic, [b"acknowledged"])
    kafka_server.kill()
    kafka_server.start()
    assert _take(kafka, topic, f"{topic}-group", 1) == [b"acknowledged"]
    assert sorted(_take(kafka, topic, f"{topic}-other-group", 2)) == [b"acknowledged", b"before"]


@pytest.fixture
def driver(neo4j_uri: str, neo4j_auth: tuple[str, str] | None) -> Iterator[Driver]:
    """Connected as users are."""
    with GraphDatabase.driver(neo4j_uri, auth=neo4j_auth) as driver:
        yield driver


def _names(driver: Driver, test: str) -> list[str]:
    found = driver.execute_query("MATCH (n:Thing {test: $test}) RETURN n.name AS name ORDER BY name", test=test)
    return [record["name"] for record in found.records]


def _merge(driver: Driver, test: str, *names: str) -> None:
    driver.execute_query("UNWIND $names AS name MERGE (:Thing {test: $test, name: name})", test=test, names=names)


def test_neo4j_merges_once_and_walks(driver: Driver, name: str) -> None:
    """MERGE twice makes one node; paths are found along relationships."""
    _merge(driver, name, "a", "b", "c")
    _merge(driver, name, "a", "b", "c")
    assert _names(driver, name) == ["a", "b", "c"]
    driver.execute_query(
        "MATCH (a:Thing {test: $test}), (b:Thing {test: $test}) WHERE [a.name, b.name] IN [['a', 'b'], ['b', 'c']] "
        "MERGE (a)-[:KNOWS]->(b)",
        test=name,
    )
    path = driver.execute_query(
        "MATCH p = shortestPath((a:Thing {test: $test, name: 'a'})-[:KNOWS*..4]->(c:Thing {test: $test, name: 'c'})) "
        "RETURN [n IN nodes(p) | n.name] AS names",
        test=name,
    )
    assert path.records[0]["names"] == ["a", "b", "c"]


def test_neo4j_keeps_commits_when_killed(driver: Driver, neo4j_server: Server, name: str) -> None:
    """A committed transaction outlives the server."""
    _merge(driver, name, "committed")
    neo4j_server.kill()
    neo4j_server.start()
    assert _names(driver, name) == ["committed"]


VECTORS = {
    "type": "knn_vector",
    "dimension": 4,
    # Without an engine it would be faiss, which the packages do not have.
    "method": {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"},
}


@pytest.fixture
def client(opensearch_url: str) -> Iterator[OpenSearch]:
    """Connected as users are."""
    client = OpenSearch(opensearch_url, timeout=LIMIT_S)
    yield client
    client.close()


@pytest.fixture
def index(client: OpenSearch, name: str) -> Iterator[str]:
    """Four chunks of two tenants, the nearest to [1, 0, 0, 0] first."""
    fields = {"vector": VECTORS, "tenant": {"type": "keyword"}, "text": {"type": "text", "analyzer": "english"}}
    client.indices.create(
        index=name,
        body={"settings": {"index": {"knn": True, "number_of_replicas": 0}}, "mappings": {"properties": fields}},
    )
    chunks = [
        ([1.0, 0.0, 0.0, 0.0], "blue", "The lamp burned."),
        ([0.9, 0.1, 0.0, 0.0], "red", "Lamps were burning."),
        ([0.5, 0.5, 0.0, 0.0], "red", "The glass is thick."),
        ([0.0, 0.0, 1.0, 0.0], "red", "Nothing at all."),
    ]
    for number, (vector, tenant, text) in enumerate(chunks):
        client.index(index=name, id=str(number), body={"vector": vector, "tenant": tenant, "text": text})
    client.indices.refresh(index=name)
    yield name
    client.indices.delete(index=name)


def _ids(client: OpenSearch, index: str, query: dict[str, Any]) -> list[str]:
    found = client.search(index=index, body={"query": query, "size": 2})
    return [hit["_id"] for hit in found["hits"]["hits"]]


def _nearest_of_red(client: OpenSearch, index: str) -> list[str]:
    red = {"term": {"tenant": "red"}}
    return _ids(client, index, {"knn": {"vector": {"vector": [1.0, 0.0, 0.0, 0.0], "k": 2, "filter": red}}})


def test_opensearch_finds_nearest_vectors_of_a_tenant_and_words(client: OpenSearch, index: str) -> None:
    """The filter is part of the search, so the other tenant's nearer vector takes nobody's place."""
    assert _nearest_of_red(client, index) == ["1", "2"]
    assert sorted(_ids(client, index, {"match": {"text": "burn lamp"}})) == ["0", "1"]


def test_opensearch_keeps_documents_when_killed(client: OpenSearch, opensearch_server: Server, index: str) -> None:
    """An acknowledged document outlives the server, in the index and in the search."""
    client.index(index=index, id="late", body={"vector": [1.0, 0.05, 0.0, 0.0], "tenant": "red", "text": "Late."})
    opensearch_server.kill()
    opensearch_server.start()
    client.indices.refresh(index=index)
    assert _nearest_of_red(client, index) == ["late", "1"]


def test_redis_gives_what_was_set_until_it_expires(redis_url: str, name: str) -> None:
    """A value, its time to live, and a counter."""
    with Redis.from_url(redis_url) as client:
        client.set(name, b"value", ex=60)
        assert client.get(name) == b"value"
        assert 0 < client.ttl(name) <= 60
        assert client.delete(name) == 1
        assert client.get(name) is None


def test_redis_keeps_values_when_killed(redis_url: str, redis_server: Server, name: str) -> None:
    """The append-only file has what the client was told is there."""
    with Redis.from_url(redis_url) as client:
        client.set(name, b"value", ex=600)
        redis_server.kill()
        redis_server.start()
        assert client.get(name) == b"value"
