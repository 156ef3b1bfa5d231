"""1,000 passages while processes and servers are killed at random: every passage processed, once in effect."""

import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.annals.corpus import write_corpus
from tests.annals.pipeline import ANNALS, ROOT, Pipeline, annals, annals_json, environment

PASSAGES = 1000
KILLS = 10
VICTIMS = ("relay", "worker", "broker", "postgres", "projector")


@pytest.mark.timeout(1500)
def test_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    data = tmp_path / "data"
    choose = random.Random(20_261_123)
    pipeline = Pipeline(data)
    try:
        ingest = subprocess.Popen(
            [*ANNALS, "ingest", str(corpus), "--wait", "--json", "--data", str(data)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=(tmp_path / "ingest.log").open("w"),
            text=True,
        )
        victims = [*VICTIMS, *choose.choices(VICTIMS, k=KILLS - len(VICTIMS))]
        choose.shuffle(victims)
        for victim in victims:
            time.sleep(choose.uniform(3, 9))
            pipeline.kill(victim)
        summary, _ = ingest.communicate(timeout=1200)
        assert ingest.returncode == 0, (tmp_path / "ingest.log").read_text()
        assert f'"processed": {PASSAGES}' in summary

        status = annals_json(data, "status")
        assert status["documents"] == status["chunks"] == PASSAGES
        assert status["waiting"] == status["dead_letters"] == 0
        # Once in effect: of every event exactly one a document.
        events = status["events"]
        assert {events[name] for name in ("DocumentIngested", "DocumentChunked", "EntitiesExtracted")} == {PASSAGES}
        assert {events[name] for name in ("RelationshipsDiscovered", "DocumentProcessed")} == {PASSAGES}
        assert annals(data, "verify", check=False).returncode == 0
    finally:
        assert pipeline.stop() < 20
