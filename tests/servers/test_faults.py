"""Servers and workers die in the middle of an ingestion: nothing is lost, nothing comes twice, nobody has to help."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from annals.roles import ROLES
from tests.annals.corpus import write_corpus
from tests.annals.pipeline import Pipeline, given
from tests.annals.processes import until
from tests.servers.groups import shares
from tests.servers.handles import Server
from tests.servers.ingestion import Ingestion, assert_whole, events

PORTION = 80
STALL_S = 20
SESSION_S = 10
"""Faust's session timeout: who is silent for so long loses its partitions (streams/app.py)."""


class Scene:
    """A pipeline that takes in one portion after the other, each of which is caught in the middle."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.pipeline = Pipeline(folder / "data", env=env)
        self._folder = folder
        self._ingestions: list[Ingestion] = []

    @property
    def documents(self) -> int:
        return PORTION * len(self._ingestions)

    def caught_in_the_middle(self) -> Ingestion:
        """Start a portion; some of it is in the log and some is still to come."""
        before = self.documents
        corpus = self._folder / f"corpus-{before}.jsonl"
        write_corpus(corpus, PORTION, first=before)
        ingestion = Ingestion(self.pipeline, corpus)
        self._ingestions.append(ingestion)
        assert until(lambda: events(self.pipeline).get("DocumentChunked", 0) > before, 120)
        assert ingestion.runs
        return ingestion

    def finish(self, ingestion: Ingestion) -> None:
        assert ingestion.processed() == PORTION

    def close(self) -> None:
        for ingestion in self._ingestions:
            ingestion.close()
        self.pipeline.stop()


@pytest.fixture
def scene(empty_env: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    opened: list[Scene] = []

    def open_scene(**more: str) -> Scene:
        opened.append(Scene(tmp_path, {**empty_env, **more}))
        return opened[-1]

    yield open_scene
    for one in opened:
        one.close()


def test_each_server_may_be_killed_during_an_ingestion(
    scene: Callable[..., Scene],
    kafka_server: Server,
    neo4j_server: Server,
    opensearch_server: Server,
    redis_server: Server,
) -> None:
    whole = scene(ANNALS_STALL_SECONDS=str(STALL_S))
    pipeline = whole.pipeline
    whole.finish(whole.caught_in_the_middle())
    roles = {role: pipeline.pids(role) for role in ROLES}
    for server in (kafka_server, neo4j_server, opensearch_server, redis_server):
        ingestion = whole.caught_in_the_middle()
        server.kill()
        if server is redis_server:
            # A cache that is away costs time, not the answer.
            assert given(pipeline.data, "ask", "Who wrote letter 7?", env=pipeline.env)["answer"]
        # To wait for a store is no standstill, however long it takes.
        time.sleep(STALL_S if server is neo4j_server else 2)
        server.start()
        recovered(server.name, whole, ingestion)
    ingestion = whole.caught_in_the_middle()
    pipeline.kill("postgres")
    recovered("PostgreSQL", whole, ingestion)
    assert_whole(pipeline, whole.documents)
    assert {role: pipeline.pids(role) for role in ROLES} == roles, "a role was started again"


def recovered(name: str, whole: Scene, ingestion: Ingestion) -> None:
    """The ingestion under way goes on by itself to its end."""
    began = time.monotonic()
    whole.finish(ingestion)
    print(f"\n{name}: killed; all is processed {time.monotonic() - began:.1f} s after its return", file=sys.stderr)


def test_three_workers_of_which_one_dies_and_one_is_paused(scene: Callable[..., Scene], kafka: str) -> None:
    whole = scene(ANNALS_WORKERS="3", ANNALS_TORCH_THREADS="1")
    pipeline = whole.pipeline
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": "0"})
    shared = until(lambda: len(shares(admin, "worker")) == 3, 240)
    assert shared, f"the three workers share the partitions: {shares(admin, 'worker')}\n{pipeline.last_lines('worker')}"
    ingestion = whole.caught_in_the_middle()
    killed, paused, _ = pipeline.pids("worker")
    os.kill(killed, signal.SIGKILL)
    os.kill(paused, signal.SIGSTOP)
    try:
        began = time.monotonic()
        # The dead one is started again meanwhile and may be back; the paused one is out, with what it has in hand.
        assert until(lambda: 1 <= len(shares(admin, "worker")) <= 2, 2 * SESSION_S), (
            "the paused worker's partitions are taken"
        )
        time.sleep(max(0.0, 2 * SESSION_S - (time.monotonic() - began)))
    finally:
        os.kill(paused, signal.SIGCONT)
    whole.finish(ingestion)
    whole.finish(whole.caught_in_the_middle())
    assert_whole(pipeline, whole.documents)
