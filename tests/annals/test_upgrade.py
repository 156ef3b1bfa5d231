"""A database that version 0.1.0 made and filled: lifted, read, and made to go on where a document stood still."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from contracts.topics import topics
from services.operations.progress import READ_MODELS
from tests.annals.pipeline import called, given, start_role
from tests.conftest import BrokerServer, PostgresServer
from tests.eventstore.test_migrations import restore_old

pytestmark = pytest.mark.timeout(400)
LATE = "/tmp/late.md"
ONE_THREAD = {"ANNALS_TORCH_THREADS": "1"}


class Installation:
    """Roles by hand over the old database."""

    def __init__(self, folder: Path, dsn: str, broker: str) -> None:
        self.folder, self.data, self.dsn = folder, folder / "commands", dsn
        self.new = {
            "ANNALS_POSTGRES": dsn,
            "ANNALS_BROKER": broker,
            "ANNALS_MASTER_KEY_FILE": str(folder / "master.key"),
        }
        # What 0.1.0 embedded by default.
        self.env = {**self.new, "ANNALS_EMBEDDER": "minilm", "ANNALS_MODEL_DTYPE": "float32"}
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *names: str) -> None:
        for name in names:
            self._processes.append(start_role(name, self.folder, self.folder / f"{name}.log", self.env | ONE_THREAD))

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    def positions_are(self, position: int) -> None:
        """Every read model's consumer is past what the database holds, as its stages are."""
        with psycopg.connect(self.dsn, autocommit=True, connect_timeout=5) as connection:
            for name in READ_MODELS:
                for topic in topics().events:
                    for partition in range(topic.partitions):
                        connection.execute(
                            "INSERT INTO annals.consumer_positions VALUES (%s, %s, %s, %s) "
                            "ON CONFLICT (consumer, topic, partition) DO UPDATE SET position = excluded.position",
                            (name, topic.name, partition, position),
                        )


@pytest.fixture
def installation(postgres_server: PostgresServer, broker: BrokerServer, tmp_path: Path) -> Iterator[Installation]:
    dsn = asyncio.run(restore_old(postgres_server, "old_installation"))
    opened = Installation(tmp_path, dsn, broker.address)
    try:
        yield opened
    finally:
        opened.stop()


def test_an_old_filled_database_goes_on_where_it_stood_still(installation: Installation) -> None:
    data, env = installation.data, installation.env
    assert given(data, "replay", "all", env=env)["rows"]["relational"] > 0
    installation.positions_are(21)
    assert given(data, "verify", env=env)["same"]

    status = given(data, "status", env=env)
    assert (status["documents"], status["waiting"], status["dead_letters"]) == (4, 1, 0)
    (still,) = status["standing_still"]
    assert (still["document_id"], still["stage"]) == (LATE, "entities")
    shown = called(data, "status", env=env).stdout
    assert f"stands still since 2026-11-25 21:30 before entities: {LATE}" in shown
    assert "make them go on: annals reprocess --unfinished" in shown

    installation.start("relay", "worker", "projector")
    done = given(data, "reprocess", "--unfinished", "--wait", env=env)
    assert (done["asked"], done["processed"], done["failed"]) == ([LATE], 1, {})

    status = given(data, "status", env=env)
    assert (status["waiting"], status["standing_still"]) == (0, [])
    assert status["events"]["DocumentProcessed"] == 4
    assert given(data, "verify", env=env)["same"]
    asked = given(data, "ask", "Who founded the Oslo Archive?", env=env)
    assert "Mira Voss" in asked["answer"]
    again = given(data, "reprocess", LATE, env=env)
    assert (again["asked"], again["finished"]) == ([], [LATE]), "nothing is done twice"
    unknown = called(data, "reprocess", "nobody.md", env=env)
    assert unknown.exit_code == 1 and "nobody.md" in unknown.stderr

    # The embedder that served serves on, whatever the settings name; the default of today takes over when it is told.
    installation.stop()
    assert given(data, "ask", "Who founded the Oslo Archive?", env=installation.new)["sources"]
    changing = ("models", "set", "embedder", "minilm-int8")
    assert given(data, *changing, env=installation.new)["changed"]
    assert not given(data, *changing, env=installation.new)["changed"]
    assert given(data, "verify", env=installation.new)["same"]
    assert given(data, "ask", "Who founded the Oslo Archive?", env=installation.new)["sources"]
