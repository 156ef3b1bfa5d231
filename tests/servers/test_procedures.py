"""The procedures of docs/operations.md, as scripts on the servers."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from neo4j import GraphDatabase
from opensearchpy import OpenSearch
from redis import Redis

from annals.embedded.postgres import BINARIES
from tests.annals.corpus import write_corpus
from tests.annals.pipeline import ANNALS, ROOT, Pipeline, called, environment, given
from tests.servers.postgres import execute, of_database
from tests.servers.profile import wipe_kafka

DOCUMENTS = 6


@pytest.fixture
def env(empty_env: dict[str, str], postgres_dsn: str, tmp_path: Path) -> dict[str, str]:
    """Every server by its address; PostgreSQL's programs and `annals` can be called by name."""
    programs = tmp_path / "programs"
    programs.mkdir()
    command = programs / "annals"
    command.write_text(f'#!/bin/sh\nexec {ANNALS[0]} -m annals "$@" --data {tmp_path / "data"}\n')
    command.chmod(0o755)
    path = os.pathsep.join((str(programs), str(BINARIES), os.environ["PATH"]))
    here = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**empty_env, "ANNALS_POSTGRES": postgres_dsn, "PATH": path, "PYTHONPATH": here}


def script(name: str, file: Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """One of the scripts, to its end."""
    return subprocess.run(
        [ROOT / "deploy" / name, file], env=environment(env), capture_output=True, text=True, timeout=300, check=False
    )


def taken_in(pipeline: Pipeline, corpus: Path) -> None:
    """All of the corpus, processed."""
    summary = given(pipeline.data, "ingest", str(corpus), "--wait", env=pipeline.env)
    assert summary["processed"] == DOCUMENTS and not summary["failed"]


def test_a_restore_goes_back_to_the_moment_of_the_backup(env: dict[str, str], tmp_path: Path) -> None:
    """What came later is in no read model, and can be taken in again as if it had never been there."""
    before, later, dump = tmp_path / "before.jsonl", tmp_path / "later.jsonl", tmp_path / "annals.dump"
    write_corpus(before, DOCUMENTS)
    write_corpus(later, DOCUMENTS, first=DOCUMENTS)
    data = tmp_path / "data"

    pipeline = Pipeline(data, env=env)
    try:
        taken_in(pipeline, before)
        done = script("backup", dump, env)
        assert done.returncode == 0, done.stderr
        assert dump.stat().st_mode & 0o077 == 0
        taken_in(pipeline, later)
    finally:
        pipeline.stop()

    done = script("restore", dump, env)
    assert done.returncode == 0, done.stderr
    assert given(data, "status", env=env)["documents"] == DOCUMENTS
    given(data, "verify", env=env)

    pipeline = Pipeline(data, env=env)
    try:
        taken_in(pipeline, later)
        assert given(data, "status", env=env)["documents"] == 2 * DOCUMENTS
        given(data, "verify", env=env)
    finally:
        pipeline.stop()


def test_a_file_that_is_no_whole_backup_changes_nothing(env: dict[str, str], tmp_path: Path) -> None:
    data, corpus, dump = tmp_path / "data", tmp_path / "corpus.jsonl", tmp_path / "annals.dump"
    write_corpus(corpus, DOCUMENTS)
    given(data, "ingest", str(corpus), env=env)
    position = given(data, "status", env=env)["position"]
    assert script("backup", dump, env).returncode == 0
    broken = {"text": b"no dump", "cut": dump.read_bytes()[: dump.stat().st_size // 2]}
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        done = script("restore", tmp_path / name, env)
        assert done.returncode == 1 and "the log is as it was" in done.stderr
        assert given(data, "status", env=env)["position"] == position > 0
    assert script("restore", tmp_path / "nowhere", env).returncode == 1


def test_an_upgrade_builds_what_is_outdated_and_nothing_else(env: dict[str, str], tmp_path: Path) -> None:
    """Read models that an older Annals made, with another schema version, are refused before and served afterwards."""
    data, corpus = tmp_path / "data", tmp_path / "corpus.jsonl"
    write_corpus(corpus, DOCUMENTS)
    pipeline = Pipeline(data, env=env)
    try:
        taken_in(pipeline, corpus)
    finally:
        pipeline.stop()
    execute(env["ANNALS_POSTGRES"], "UPDATE relational.generation SET schema_version = schema_version - 1")
    graph(env, "MATCH (m:ReadModel) SET m.schema_version = m.schema_version - 1")
    assert called(data, "list", env=env).exit_code == 1

    done = script("upgrade", tmp_path / "annals.dump", env)
    assert done.returncode == 0, done.stderr
    assert "relational: " in done.stdout and "graph: " in done.stdout and "vector: " not in done.stdout
    assert (tmp_path / "annals.dump").stat().st_size > 0
    given(data, "verify", env=env)

    done = script("upgrade", tmp_path / "annals.dump", env)
    assert done.returncode == 0 and "no read model is outdated" in done.stdout


def test_moving_to_other_servers_takes_along_what_is_not_processed_yet(
    env: dict[str, str], postgres_server_address: str, tmp_path: Path
) -> None:
    before, waiting, dump = tmp_path / "before.jsonl", tmp_path / "waiting.jsonl", tmp_path / "annals.dump"
    write_corpus(before, DOCUMENTS)
    write_corpus(waiting, DOCUMENTS, first=DOCUMENTS)
    pipeline = Pipeline(tmp_path / "data", env=env)
    try:
        taken_in(pipeline, before)
    finally:
        pipeline.stop()
    given(tmp_path / "data", "ingest", str(waiting), env=env)
    assert script("backup", dump, env).returncode == 0

    for server in LOST:
        lose(server, env)
    execute(postgres_server_address, "CREATE DATABASE annals_moved")
    try:
        there = {**env, "ANNALS_POSTGRES": of_database(postgres_server_address, "annals_moved")}
        done = script("restore", dump, there)
        assert done.returncode == 0, done.stderr
        pipeline = Pipeline(tmp_path / "data", env=there)
        try:
            summary = given(tmp_path / "data", "ingest", str(waiting), "--wait", env=there)
            assert summary["unchanged"] == DOCUMENTS and not summary["failed"]
            given(tmp_path / "data", "verify", env=there)
            assert given(tmp_path / "data", "status", env=there)["documents"] == 2 * DOCUMENTS
        finally:
            pipeline.stop()
    finally:
        execute(postgres_server_address, "DROP DATABASE annals_moved WITH (FORCE)")


LOST = ("kafka", "neo4j", "opensearch", "redis")


def test_a_server_that_lost_its_data_is_filled_again(env: dict[str, str], tmp_path: Path) -> None:
    """By the command that docs/operations.md names, if any, while everything runs: one server after the other."""
    data, corpus = tmp_path / "data", tmp_path / "corpus.jsonl"
    write_corpus(corpus, DOCUMENTS)
    pipeline = Pipeline(data, env=env)
    try:
        taken_in(pipeline, corpus)
        for number, server in enumerate(LOST, start=1):
            lose(server, env)
            if server in REPLAYED:
                given(data, "replay", REPLAYED[server], env=env)
            write_corpus(corpus, DOCUMENTS, first=number * DOCUMENTS)
            taken_in(pipeline, corpus)
            assert given(data, "status", env=env)["documents"] == (number + 1) * DOCUMENTS, server
            given(data, "verify", env=env)
    finally:
        pipeline.stop()


REPLAYED = {"neo4j": "graph", "opensearch": "vector"}


def lose(server: str, env: Mapping[str, str]) -> None:
    """What a server has after its disk was replaced: nothing."""
    if server == "kafka":
        wipe_kafka(env["ANNALS_BROKER"])
    elif server == "neo4j":
        graph(env, "MATCH (n) DETACH DELETE n")
    elif server == "opensearch":
        client = OpenSearch(env["ANNALS_OPENSEARCH"])
        for index in client.indices.get(index="annals*", expand_wildcards="all"):
            client.indices.delete(index=index)
        client.close()
    else:
        Redis.from_url(env["ANNALS_REDIS"]).flushdb()


def graph(env: Mapping[str, str], query: str) -> None:
    """One statement in Neo4j."""
    user, password = env.get("ANNALS_NEO4J_USER"), env.get("ANNALS_NEO4J_PASSWORD")
    auth = (user, password) if user and password else None
    with GraphDatabase.driver(env["ANNALS_NEO4J"], auth=auth) as driver, driver.session() as session:
        session.run(query).consume()
