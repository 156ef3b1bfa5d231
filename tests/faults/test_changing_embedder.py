"""Another embedder takes over from the one that serves, with everything up: asked all the while, and killed once."""

import json
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from annals.token_file import read_admin_token
from tests.annals.pipeline import ANNALS, ROOT, Pipeline, annals, annals_json, environment
from tests.annals.processes import until

QUESTION = "Who keeps the lighthouse of Skerry {}?"
FIRST, ASKERS = 60, 2


def document(number: int) -> str:
    """One line of those that are taken in."""
    text = f"The lighthouse of Skerry {number} was built in {1800 + number}. It is kept by Mira Voss{number} of Oslo."
    return json.dumps({"id": f"skerry-{number}", "title": f"Skerry {number}", "text": text})


class Asker:
    """Asks over the gateway until it is told to stop. `faults`: what no reader may see; `seconds` of each answer."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.faults: list[str] = []
        self.seconds: list[float] = []
        self._stop = threading.Event()
        self._url = f"{pipeline.addresses['gateway']}/api/v1/reasoning/query"
        self._headers = {"authorization": f"Bearer {read_admin_token(pipeline.data)}"}
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(ASKERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No more questions."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, first: int) -> None:
        with httpx.Client(timeout=60, headers=self._headers, verify=False) as client:
            number = first
            while not self._stop.is_set():
                number += ASKERS
                began = time.monotonic()
                # Never the same question twice, whose answer might be kept.
                answer = client.post(
                    self._url, json={"query": QUESTION.format(number % FIRST) + " ?" * (number // FIRST)}
                )
                if answer.status_code == 429:
                    self._stop.wait(float(answer.headers["retry-after"]))
                    continue
                self.seconds.append(time.monotonic() - began)
                if answer.status_code != 200 or not answer.json()["sources"]:
                    self.faults.append(f"{answer.status_code}: {answer.text[:300]}")


def change(data: Path, killed_when: Callable[[], bool]) -> None:
    """Begin to change the embedder, and kill that."""
    command = [*ANNALS, "models", "set", "embedder", "minilm", "--rate", "10", "--data", str(data)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=subprocess.DEVNULL)
    try:
        assert until(killed_when, limit_s=120)
        assert process.poll() is None, "it was done before it could be killed"
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait(30)


@pytest.mark.long
@pytest.mark.pipeline
@pytest.mark.timeout(1800)
def test_everything_is_up_and_asked_while_documents_come_in_and_read_models_are_replayed(tmp_path: Path) -> None:
    data, lines = tmp_path / "data", tmp_path / "first.jsonl"
    lines.write_text("\n".join(map(document, range(FIRST))))
    pipeline = Pipeline(data)
    stop = threading.Event()

    def ingesting() -> None:
        for number in range(FIRST, 100_000):
            if stop.is_set():
                return
            more = tmp_path / "more.jsonl"
            more.write_text(document(number))
            annals(data, "ingest", str(more))

    ingester = threading.Thread(target=ingesting)
    try:
        annals_json(data, "ingest", str(lines), "--wait")
        asked = Asker(pipeline)
        assert until(lambda: len(asked.seconds) > 40, limit_s=180)
        quiet = statistics.quantiles(asked.seconds, n=20)[-1]
        asked.seconds.clear()
        ingester.start()
        annals_json(data, "replay", "all")

        def half_made() -> bool:
            found = annals_json(data, "generations")["generations"]
            return any(one["purpose"] == "next" for one in found)

        change(data, half_made)
        changed = annals_json(data, "models", "set", "embedder", "minilm", "--reason", "float32")
        assert changed["changed"] and changed["passages"] >= FIRST
        annals_json(data, "replay", "all")
        annals_json(data, "replay", "all")
        annals_json(data, "models", "set", "embedder", "minilm-int8")
        annals_json(data, "replay", "vector", "--back")
        stop.set()
        ingester.join(120)
        asked.stop()
        busy = statistics.quantiles(asked.seconds, n=20)[-1]
        print(f"{len(asked.seconds)} questions; p95 {quiet * 1000:.0f} ms before, {busy * 1000:.0f} ms meanwhile")
        assert not asked.faults, asked.faults[:3]
        models = annals_json(data, "models", "list")
        assert models["serving"]["embedding"] == changed["revision"]
        assert set(models["passages"]) == {changed["revision"]}
        assert annals_json(data, "verify")["same"]
    finally:
        stop.set()
        pipeline.stop()
