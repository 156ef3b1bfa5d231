"""The whole pipeline on Kafka, Neo4j, OpenSearch and Redis: the same knowledge as the embedded one, whatever dies."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.annals.corpus import write_corpus
from tests.annals.pipeline import ANNALS, ROOT, Pipeline, annals, annals_json, environment
from tests.servers.handles import Server
from tests.servers.profile import knowledge, services_of, settings_of, wipe

PASSAGES = int(os.environ.get("ANNALS_TEST_PASSAGES", "120"))


@pytest.fixture
def env(
    kafka: str, neo4j_uri: str, neo4j_auth: tuple[str, str] | None, opensearch_url: str, redis_url: str
) -> dict[str, str]:
    """Settings of the servers profile, on servers that hold nothing of ours."""
    wipe(kafka=kafka, neo4j=neo4j_uri, neo4j_auth=neo4j_auth, opensearch=opensearch_url, redis=redis_url)
    return settings_of(kafka=kafka, neo4j=neo4j_uri, neo4j_auth=neo4j_auth, opensearch=opensearch_url, redis=redis_url)


def start_ingest(pipeline: Pipeline, corpus: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*ANNALS, "ingest", str(corpus), "--wait", "--json", "--data", str(pipeline.data)],
        cwd=ROOT,
        env=environment(pipeline.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def finish(pipeline: Pipeline, ingest: "subprocess.Popen[str]", passages: int) -> None:
    """Everything was processed, once in effect, and the read models are what the events say."""
    summary = json.loads(ingest.communicate(timeout=900)[0])
    assert summary["processed"] == passages
    status = annals_json(pipeline.data, "status", env=pipeline.env)
    assert (status["documents"], status["waiting"], status["dead_letters"]) == (passages, 0, 0)
    assert {status["events"][name] for name in ("DocumentIngested", "DocumentChunked", "DocumentProcessed")} == {
        passages
    }
    verified = annals(pipeline.data, "verify", env=pipeline.env, check=False)
    assert verified.returncode == 0, verified.stdout


async def test_both_profiles_know_the_same(env: dict[str, str], tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    known = []
    for profile_env in ({}, env):
        data = tmp_path / ("servers" if profile_env else "embedded")
        pipeline = await asyncio.to_thread(lambda data=data, env=profile_env: Pipeline(data, env=env))
        try:
            await asyncio.to_thread(
                lambda pipeline=pipeline: finish(pipeline, start_ingest(pipeline, corpus), PASSAGES)
            )
            async with services_of(data, pipeline.addresses["postgres"], profile_env) as services:
                known.append(await knowledge(services))
        finally:
            await asyncio.to_thread(pipeline.stop)
    embedded, servers = known
    assert embedded["counts"] == servers["counts"]
    for part in ("abouts", "mentions", "statements", "passages"):
        assert embedded[part] == servers[part], part


def test_each_server_may_be_killed(
    env: dict[str, str],
    tmp_path: Path,
    kafka_server: Server,
    neo4j_server: Server,
    opensearch_server: Server,
    redis_server: Server,
) -> None:
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES, seed=11)
    pipeline = Pipeline(tmp_path / "data", env=env)
    try:
        ingest = start_ingest(pipeline, corpus)
        time.sleep(15)
        for server in (kafka_server, neo4j_server, opensearch_server, redis_server):
            server.kill()
            time.sleep(2)
            began = time.monotonic()
            server.start()
            print(
                f"{server.name} was killed and answered again after {time.monotonic() - began:.1f} s", file=sys.stderr
            )
            time.sleep(3)
        pipeline.kill("postgres")
        back = time.monotonic()
        finish(pipeline, ingest, PASSAGES)
        print(f"everything was processed {time.monotonic() - back:.1f} s after the last kill", file=sys.stderr)
    finally:
        pipeline.stop()


def test_three_workers_one_killed_one_paused(env: dict[str, str], tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES, seed=13)
    pipeline = Pipeline(tmp_path / "data", env={**env, "ANNALS_WORKERS": "3", "ANNALS_TORCH_THREADS": "1"})
    try:
        ingest = start_ingest(pipeline, corpus)
        # All three have their models and share the partitions.
        time.sleep(40)
        killed, paused, _ = pipeline.pids("worker")
        os.kill(killed, signal.SIGKILL)
        os.kill(paused, signal.SIGSTOP)
        # Twice the session timeout of 6 s: the others have its partitions by then.
        time.sleep(12)
        os.kill(paused, signal.SIGCONT)
        finish(pipeline, ingest, PASSAGES)
    finally:
        pipeline.stop()
