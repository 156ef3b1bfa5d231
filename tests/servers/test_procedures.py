"""The procedures of docs/operations.md, as scripts on the servers."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from annals.embedded.postgres import BINARIES
from tests.annals.corpus import write_corpus
from tests.annals.pipeline import ANNALS, ROOT, Pipeline, annals, annals_json, environment

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
    summary = json.loads(annals(pipeline.data, "ingest", str(corpus), "--wait", "--json", env=pipeline.env).stdout)
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
    assert annals_json(data, "status", env=env)["documents"] == DOCUMENTS
    annals(data, "verify", env=env)

    pipeline = Pipeline(data, env=env)
    try:
        taken_in(pipeline, later)
        assert annals_json(data, "status", env=env)["documents"] == 2 * DOCUMENTS
        annals(data, "verify", env=env)
    finally:
        pipeline.stop()


def test_a_file_that_is_no_whole_backup_changes_nothing(env: dict[str, str], tmp_path: Path) -> None:
    data, corpus, dump = tmp_path / "data", tmp_path / "corpus.jsonl", tmp_path / "annals.dump"
    write_corpus(corpus, DOCUMENTS)
    annals(data, "ingest", str(corpus), env=env)
    position = annals_json(data, "status", env=env)["position"]
    assert script("backup", dump, env).returncode == 0
    broken = {"text": b"no dump", "cut": dump.read_bytes()[: dump.stat().st_size // 2]}
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        done = script("restore", tmp_path / name, env)
        assert done.returncode == 1 and "the log is as it was" in done.stderr
        assert annals_json(data, "status", env=env)["position"] == position > 0
    assert script("restore", tmp_path / "nowhere", env).returncode == 1
