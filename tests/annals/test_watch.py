"""`annals ingest --watch` beside a pipeline that is up: killed at any moment, started again, and right in the end."""

import asyncio
import contextlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from annals.loading import Loaded, load
from annals.token_file import read_admin_token
from client.address import Address
from client.documents import logged
from client.gateway import open_gateway
from contracts.lines import file_of_line
from inference.model import digest_of
from tests.annals.conftest import Up
from tests.annals.pipeline import ANNALS, ROOT, annals, environment, given, refused
from tests.annals.processes import until
from tests.support.changing_folder import LINES, change

LIMIT_S = 120.0


class Watch:
    """One process, and the lines that it gave."""

    def __init__(self, data: Path, folder: Path, *options: str) -> None:
        self.lines: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [*ANNALS, "ingest", "--watch", str(folder), "--data", str(data), "--json", *options],
            cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._read, self._note)]
        self.notes = ""
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def _note(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.notes += line

    def is_current(self) -> bool:
        assert self.process.poll() is None, self.notes
        return self.lines[-1:] != [] and self.lines[-1]["event"] == "current"

    def events(self) -> list[tuple[str, str]]:
        return [(one["event"], Path(one["document_id"]).name) for one in self.lines if "document_id" in one]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        for thread in self._threads:
            thread.join(30)
        return code


@contextlib.contextmanager
def watching(data: Path, folder: Path, *options: str) -> Iterator[Watch]:
    watch = Watch(data, folder, *options)
    try:
        yield watch
    finally:
        if watch.process.poll() is None:
            watch.end(signal.SIGKILL)


def is_as_fresh(up: Up, folder: Path) -> None:
    """The log has what a fresh ingest would take in, and nothing else; the read models are the log's."""
    assert up.caught_up()
    # Of a document in several files the last one counts.
    loaded = [one for one in load([str(folder)], io.BytesIO()) if isinstance(one, Loaded)]
    fresh = {one.document_id: (one.title, one.uri, digest_of(one.text), file_of_line(one.attributes)) for one in loaded}
    address = Address(up.pipeline.addresses["gateway"], read_admin_token(up.data) or "")

    async def stored() -> list[dict[str, Any]]:
        async with open_gateway(address) as gateway:
            prefixes = (f"{folder}/", f"{LINES} {folder}:")
            return [one for prefix in prefixes for one in await logged(gateway, id_prefix=prefix)]

    there = {one["document_id"]: one for one in asyncio.run(stored())}
    found = {
        document_id: (one["title"], one["uri"], one["digest"], file_of_line(one["attributes"]))
        for document_id, one in there.items()
    }
    assert found == fresh and fresh
    annals(up.data, "verify")


def under_fire(up: Up, folder: Path, seed: int, *, files: int, seconds: float, kills: int) -> None:
    print(f"\nwatch: seed {seed}", file=sys.stderr)
    chance = random.Random(seed)
    folder.mkdir()
    for number in range(files):
        inner = folder / f"folder{number % 4}"
        inner.mkdir(exist_ok=True)
        (inner / f"file{number // 4}.txt").write_text(f"Letter {number} of Port Almond.")
    for _ in range(kills):
        with watching(up.data, folder) as watch:
            end = time.monotonic() + seconds / kills
            while time.monotonic() < end:
                change(folder, chance, files)
                time.sleep(chance.random() / 20)
            assert watch.process.poll() is None, watch.notes
            watch.end(signal.SIGKILL)
        for _ in range(files // 20):
            change(folder, chance, files)
    with watching(up.data, folder) as watch:
        assert until(watch.is_current, LIMIT_S), watch.notes
        assert watch.end(signal.SIGINT) == 0, watch.notes
    is_as_fresh(up, folder)


def test_a_folder_that_changes_while_its_watch_is_killed(up: Up, tmp_path: Path) -> None:
    under_fire(up, tmp_path / "docs", 11, files=40, seconds=5, kills=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_thousand_files_for_two_minutes_killed_twice(up: Up, tmp_path: Path) -> None:
    seed = int(os.environ.get("ANNALS_TEST_SEED", "12"))
    under_fire(up, tmp_path / "docs", seed, files=1000, seconds=120, kills=2)


def test_what_is_told_and_how_it_ends(up: Up, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ulla Brandt built the Mornay Bridge.")
    (tmp_path / "b.log").write_text("Text.")
    (tmp_path / "empty.txt").write_text("")
    with watching(up.data, tmp_path, "--exclude", "*.log") as watch:
        assert until(watch.is_current, LIMIT_S), watch.notes
        (tmp_path / "a.txt").rename(tmp_path / "c.txt")
        assert until(lambda: watch.is_current() and ("deleted", "a.txt") in watch.events(), LIMIT_S)
        assert watch.end(signal.SIGTERM) == 0
    assert watch.events() == [("ingested", "a.txt"), ("ingested", "c.txt"), ("deleted", "a.txt")]
    (empty,) = (one for one in watch.lines if one["event"] == "refused")
    assert empty["reason"].startswith("holds no text") and empty["name"].endswith("empty.txt")
    assert watch.lines[-1] == {"event": "current", "files": 2}
    assert watch.notes.rstrip().endswith("stopped") and "Traceback" not in watch.notes
    history = given(up.data, "history", str(tmp_path / "a.txt"))
    assert history["events"][-1]["event_type"] == "DocumentDeleted"
    assert history["events"][-1]["event_data"]["reason"] == "its file is gone"


def test_what_it_is_not_for(up: Up, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Text.")
    for wrong in ([str(tmp_path / "a.txt")], [str(tmp_path), str(tmp_path)], ["-"]):
        assert "one folder" in refused(up.data, "ingest", "--watch", *wrong, exit_code=2)
    assert "--wait" in refused(up.data, "ingest", "--watch", "--wait", str(tmp_path), exit_code=2)
    assert "the data folder" in refused(up.data, "ingest", "--watch", str(up.data.parent), exit_code=2)
