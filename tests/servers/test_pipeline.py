"""The whole pipeline on Kafka, Neo4j, OpenSearch and Redis: the same knowledge as the embedded one."""

import asyncio
import os
from pathlib import Path

from annals.composition.stores import Stores
from annals.composition.use_cases import use_cases_over
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.search.results import SearchRequest
from tests.annals.corpus import write_corpus
from tests.annals.pipeline import Pipeline
from tests.servers.ingestion import Ingestion, assert_whole
from tests.servers.profile import knowledge, services_of

PASSAGES = int(os.environ.get("ANNALS_TEST_PASSAGES", "120"))


def known(data: Path, corpus: Path, env: dict[str, str]) -> tuple[dict[str, object], float]:
    """What the read models say after an ingestion, and how many of some questions find what was asked for."""
    pipeline = Pipeline(data, env=env)
    try:
        assert Ingestion(pipeline, corpus).processed() == PASSAGES
        assert_whole(pipeline, PASSAGES)
        return asyncio.run(_known(pipeline, env))
    finally:
        pipeline.stop()


async def _known(pipeline: Pipeline, env: dict[str, str]) -> tuple[dict[str, object], float]:
    async with services_of(pipeline.data, pipeline.addresses["postgres"], env) as services:
        return await knowledge(services), await found_of(services)


CALLER = Caller("default", "test", "test", FULL_ACCESS)


async def found_of(services: Stores) -> float:
    """The share of questions, each about one passage, whose first five passages hold that one."""
    async with use_cases_over(services) as use_cases:
        hits = list[bool]()
        for number in range(0, min(PASSAGES, 300), 6):
            asked = SearchRequest(f"What is letter {number} about?")
            page = await use_cases.search.search(CALLER, asked, after=None, limit=5, deadline=Deadline.after(60))
            hits.append(f"passage-{number}" in {one.passage.document_id for one in page.passages})
    return sum(hits) / len(hits)


def test_both_profiles_know_the_same(empty_env: dict[str, str], tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    embedded, found = known(tmp_path / "embedded", corpus, {})
    servers, found_by_servers = known(tmp_path / "servers", corpus, empty_env)
    assert embedded["counts"] == servers["counts"]
    for part in ("subjects", "mentions", "statements", "passages"):
        assert embedded[part] == servers[part], part
    # The two databases weigh words a little differently.
    assert found > 0.8 and abs(found - found_by_servers) <= 0.1
