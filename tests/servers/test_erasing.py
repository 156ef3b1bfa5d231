"""Erasing in Neo4j and OpenSearch: no node and no record says anything of a document, nor that there was one."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from neo4j import GraphDatabase
from opensearchpy import OpenSearch

from projections.replay import replay
from projections.verify import verify
from tests.projections.stories import Story
from tests.servers.profile import options_of
from tests.services.storage.test_erasing import KEPT, SECRET, SECRETS, all_digests, delete, erase, left
from tests.services.storage.test_erasing_subjects import erase as erase_subject
from tests.services.storage.test_erasing_subjects import find
from tests.support.knowledge import Knowledge, open_knowledge


@pytest.fixture
async def knowledge(dsn: str, tmp_path: Path, empty_env: Mapping[str, str]) -> AsyncIterator[Knowledge]:
    async with open_knowledge(dsn, tmp_path, **options_of(empty_env)) as opened:
        await opened.tell(*KEPT)
        yield opened


def told(neo4j_uri: str, neo4j_auth: tuple[str, str] | None, opensearch_url: str) -> list[str]:
    """Which of the secrets any node, edge or record holds, those of generations kept aside, too."""
    found = []
    with GraphDatabase.driver(neo4j_uri, auth=neo4j_auth) as driver, driver.session() as session:
        for query in ("MATCH (n) RETURN properties(n) AS held", "MATCH ()-[r]->() RETURN properties(r) AS held"):
            found += [json.dumps(row["held"], default=str, ensure_ascii=False) for row in session.run(query)]
    client = OpenSearch(opensearch_url)
    try:
        client.indices.refresh(index="annals*")
        page = client.search(index="annals*", body={"query": {"match_all": {}}, "size": 10_000})
        found += [json.dumps(hit, ensure_ascii=False) for hit in page["hits"]["hits"]]
    finally:
        client.close()
    assert len(found) > 5, "the search finds what is there"
    return [f"{secret}: {one[:200]}" for one in found for secret in SECRETS if secret in one]


async def test_nothing_is_left_and_nothing_else_is_missing(
    knowledge: Knowledge, neo4j_uri: str, neo4j_auth: tuple[str, str] | None, opensearch_url: str
) -> None:
    addresses = neo4j_uri, neo4j_auth, opensearch_url
    before = await all_digests(knowledge)
    await knowledge.tell(SECRET)
    await knowledge.history.ask("Wilhelmina", documents=[SECRET.document_id], chains=["Wilhelmina met Ottokar."])
    await knowledge.follow()
    stores = knowledge.stores
    models = [(one.model, one.store) for one in stores.projections.values()]
    # What was live before is kept aside, with the document.
    await replay(models, stores.generations, stores.reader, stores.topics, lambda _: None)
    assert told(*addresses)

    await delete(knowledge)
    done = await erase(knowledge)
    assert (done.documents, len(done.questions)) == ((SECRET.document_id,), 1)
    assert told(*addresses) == [] == await left(knowledge)
    assert await all_digests(knowledge) == before
    for projection in stores.projections.values():
        verdict = await verify(
            projection.model, projection.store, stores.generations, stores.reader, stores.topics, lambda _: None
        )
        assert verdict.difference is None


async def test_a_person_is_erased_from_several_documents(
    knowledge: Knowledge, neo4j_uri: str, neo4j_auth: tuple[str, str] | None, opensearch_url: str
) -> None:
    before = await all_digests(knowledge)
    other = Story("letters/secret 2", ("Bob wrote to Wilhelmina.",), title="Geheim")
    await knowledge.tell(SECRET, other)
    shown = [one.document_id for one in (await find(knowledge, "Wilhelmina")).documents]
    assert shown == sorted((SECRET.document_id, other.document_id))
    await delete(knowledge)
    await knowledge.history.delete(other)
    await knowledge.follow()
    done = await erase_subject(knowledge, shown, "Wilhelmina")
    assert (sorted(done.erasure.documents), done.left) == (shown, ())
    assert told(neo4j_uri, neo4j_auth, opensearch_url) == []
    assert await all_digests(knowledge) == before
