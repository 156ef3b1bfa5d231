"""An ingestion beside a pipeline: started, watched in the log itself, and found to be whole at its end."""

import json
import subprocess
from pathlib import Path
from typing import Protocol

import psycopg

from tests.annals.pipeline import ANNALS, ROOT, called, environment, given

LIMIT_S = 900


class Running(Protocol):
    """A pipeline that is up, however it was started: the commands' data folder, their settings, where things are."""

    data: Path
    env: dict[str, str]
    addresses: dict[str, str]


class Ingestion:
    """`annals ingest --wait` of one corpus, as a process."""

    def __init__(self, pipeline: Running, corpus: Path) -> None:
        self._process = subprocess.Popen(
            [*ANNALS, "ingest", str(corpus), "--wait", "--json", "--data", str(pipeline.data)],
            cwd=ROOT,
            env=environment(pipeline.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @property
    def runs(self) -> bool:
        """Whether it still waits for something."""
        return self._process.poll() is None

    def processed(self) -> int:
        """How many documents it saw processed, once it is done."""
        return int(json.loads(self._process.communicate(timeout=LIMIT_S)[0])["processed"])

    def close(self) -> None:
        """End it, if it was not waited for."""
        if self.runs:
            self._process.kill()
        self._process.wait(10)


def events(pipeline: Running) -> dict[str, int]:
    """How many events of each type the log holds now; asked of PostgreSQL itself, which is quick."""
    with psycopg.connect(pipeline.addresses["postgres"]) as connection:
        rows = connection.execute("SELECT topic, count(*) FROM annals.stored_events GROUP BY topic").fetchall()
    return {str(topic): int(count) for topic, count in rows}


def assert_whole(pipeline: Running, documents: int) -> None:
    """Everything was processed, once in effect, and the read models are what the events say."""
    status = given(pipeline.data, "status", env=pipeline.env)
    assert (status["documents"], status["waiting"], status["dead_letters"]) == (documents, 0, 0)
    found = events(pipeline)
    stages = (
        "DocumentIngested",
        "DocumentChunked",
        "EntitiesExtracted",
        "RelationshipsDiscovered",
        "DocumentProcessed",
    )
    assert {stage: found[stage] for stage in stages} == dict.fromkeys(stages, documents)
    verified = called(pipeline.data, "verify", env=pipeline.env)
    assert verified.exit_code == 0, verified.stdout
