"""What users do at once, in both profiles: a document of names, a sentence behind it, replays, questions."""

import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.annals.pipeline import Pipeline, annals_json, given
from tests.servers.ingestion import Ingestion

pytestmark = pytest.mark.timeout(3600)

NAMES = "Paris. Rome. Oslo. "
LARGE_BYTES = 1024 * 1024
QUESTION = "Who opened quay 1 of Skerry Point?"


class Use:
    """A pipeline with two connections to each database, and sentences that are taken in one by one."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.pipeline = Pipeline(folder / "data", env={**env, "ANNALS_POOL_SIZE": "2"})
        self.folder = folder
        self._sentences = 0

    def sentence(self) -> float:
        """Take one in; the seconds until every read model has it."""
        self._sentences += 1
        file = self.folder / f"sentence-{self._sentences}.txt"
        file.write_text(f"Harbour master Orla Finnegan opened quay {self._sentences} of Skerry Point in 1931.")
        began = time.monotonic()
        done = annals_json(self.pipeline.data, "ingest", str(file), "--wait", env=self.pipeline.env)
        assert (done["processed"], done["failed"]) == (1, {})
        return time.monotonic() - began


@pytest.fixture(params=["embedded", "servers"])
def use(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Use]:
    env = request.getfixturevalue("empty_env") if request.param == "servers" else {}
    opened = Use(tmp_path, env)
    yield opened
    opened.pipeline.stop()


@pytest.mark.long
def test_a_document_of_names_and_replays_hold_up_nobody(use: Use) -> None:
    pipeline = use.pipeline
    alone = statistics.median([use.sentence() for _ in range(5)])
    large = use.folder / "names.txt"
    large.write_text((NAMES * (LARGE_BYTES // len(NAMES) + 1))[:LARGE_BYTES])
    ingestion = Ingestion(pipeline, large)
    behind = use.sentence()
    assert ingestion.runs, "the sentence passed the document"
    assert ingestion.processed() == 1
    print(f"\na sentence alone {alone:.2f} s, behind 1 MiB of names {behind:.2f} s", file=sys.stderr)
    given(pipeline.data, "verify", env=pipeline.env)

    done = threading.Event()

    def keep_on() -> int:
        taken = 0
        while not done.is_set():
            use.sentence()
            taken += 1
        return taken

    with ThreadPoolExecutor() as beside:
        steady = beside.submit(keep_on)
        try:
            for _ in range(3):
                replay = beside.submit(annals_json, pipeline.data, "replay", "all", env=pipeline.env)
                while not replay.done():
                    found = annals_json(pipeline.data, "ask", QUESTION, env=pipeline.env)
                    assert "Finnegan" in found["answer"]
                replay.result()
        finally:
            done.set()
    assert steady.result() > 3
    given(pipeline.data, "verify", env=pipeline.env)
