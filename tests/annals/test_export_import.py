"""`annals export` and `annals import`: the same events and the same read models come out on the other side."""

import contextlib
import gzip
import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.annals.corpus import write_corpus
from tests.annals.pipeline import ANNALS, ROOT, Pipeline, called, environment, given

pytestmark = pytest.mark.pipeline
PASSAGES = 12


def digests(data: Path) -> dict[str, str]:
    """The digest of each read model, each being what its events say."""
    verdict = given(data, "verify")
    assert verdict["same"]
    return {one["name"]: one["digest"] for one in verdict["projections"]}


@contextlib.contextmanager
def running(data: Path) -> Iterator[None]:
    """Everything is up meanwhile."""
    pipeline = Pipeline(data)
    try:
        yield
    finally:
        pipeline.stop()


def raw(data: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """One command with bytes at both ends."""
    return subprocess.run(
        [*ANNALS, *arguments, "--data", str(data)],
        cwd=ROOT,
        env=environment(),
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.timeout(600)
def test_an_archive_carries_everything_to_another_place(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    archive = tmp_path / "annals.jsonl.gz"
    with running(first):
        given(first, "ingest", str(corpus), "--wait")
        given(first, "delete", "passage-3", "--reason", "out of date")
        before, status = digests(first), given(first, "status")
        written = given(first, "export", str(archive))
    assert written["events"] == sum(status["events"].values()) == status["position"]
    assert written["texts"] == PASSAGES
    keys = tmp_path / "annals.jsonl.gz.keys"
    assert stat.S_IMODE(keys.stat().st_mode) == stat.S_IMODE(archive.stat().st_mode) == 0o600
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["annals.jsonl.gz", "annals.jsonl.gz.keys", "corpus.jsonl", "first"]
    apart = keys.rename(tmp_path / "first" / "apart")
    without = called(second, "import", str(archive))
    assert without.exit_code == 1 and "name it with --keys" in without.stderr and without.stderr.count("\n") == 1

    taken = given(second, "import", str(archive), "--keys", str(apart))
    assert {name: taken[name] for name in ("events", "texts", "outputs")} == {
        name: written[name] for name in ("events", "texts", "outputs")
    }
    given(second, "replay", "all")
    assert digests(second) == before
    there = given(second, "status")
    assert there["events"] == status["events"]
    assert there["documents"] == PASSAGES - 1

    # Standard output and standard input; the archive of the copy is the archive, but for the time in its header.
    piped = raw(second, "export", "--keys", str(tmp_path / "keys"))
    assert piped.returncode == 0, piped.stderr
    with gzip.open(archive) as lines:
        original = lines.read().splitlines()
    assert piped.stdout.splitlines()[1:-1] == original[1:-1]

    again = called(second, "import", str(archive), "--keys", str(apart))
    assert again.exit_code == 1
    assert "is not empty" in again.stderr and len(again.stderr.splitlines()) == 1

    # The relay publishes what was taken in, the roles do nothing of it twice, and what is new goes the usual way.
    with running(second):
        (tmp_path / "new.md").write_text("# Kestrel Bay\n\nThe lighthouse of Kestrel Bay burns oil.\n")
        given(second, "ingest", str(tmp_path / "new.md"), "--wait")
        assert digests(second) != before
        events = given(second, "status")["events"]
    assert events["DocumentProcessed"] == status["events"]["DocumentProcessed"] + 1
    assert events["DocumentIngested"] == PASSAGES + 1


def test_a_file_that_is_not_whole_is_refused_in_one_line(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "a.jsonl"
    write_corpus(tmp_path / "corpus.jsonl", 3)
    given(tmp_path / "from", "ingest", str(tmp_path / "corpus.jsonl"))
    left_out = called(tmp_path / "from", "export", str(file), "--no-outputs")
    assert "finds no vectors" in left_out.stderr

    lines = file.read_bytes().splitlines(keepends=True)
    # A text is sealed: that it was changed is seen by the sum.
    assert b'"sealed":"' in lines[1]
    changed = lines[1].replace(b'"sealed":"', b'"sealed":"AAAA', 1)
    for content, named in (
        (b"".join(lines[:-1]), f"line {len(lines)}: the file was cut off here"),
        (b"".join(lines)[:-300], "the file was cut off here"),
        (b"".join((lines[0], changed, *lines[2:])), f"line {len(lines)}: the sum over all lines differs"),
        (b"", "line 1: is not the first line of an archive"),
        (b'{"id": "a", "text": "b"}\n', "line 1: is not the first line of an archive"),
    ):
        refused = called(data, "import", "-", "--keys", f"{file}.keys", stdin=content)
        message = refused.stderr
        assert refused.exit_code == 1
        assert named in message and message.rstrip().endswith("nothing was taken in") and message.count("\n") == 1
    assert given(data, "status")["position"] == 0
    assert called(data, "import", "-", "--keys", f"{file}.keys", stdin=b"".join(lines)).exit_code == 0
    assert given(data, "status")["position"] == 3


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    missing = called(tmp_path / "data", "import", str(tmp_path / "none.jsonl"))
    assert missing.exit_code == 1 and "none.jsonl: cannot be read" in missing.stderr
    (tmp_path / "one.md").write_text("# One\n\nAda met Bob.")
    given(tmp_path / "data", "ingest", str(tmp_path / "one.md"))
    nowhere = called(tmp_path / "data", "export", str(tmp_path / "no folder" / "a.jsonl"))
    assert nowhere.exit_code == 1 and "cannot be written: No such file or directory" in nowhere.stderr
    keyless = called(tmp_path / "data", "export")
    assert keyless.exit_code == 2 and "--keys is missing" in keyless.stderr
    nowhere = called(tmp_path / "data", "import", str(tmp_path / "one.md"), "--keys", str(tmp_path / "none"))
    assert nowhere.exit_code == 1 and f"the keys file {tmp_path / 'none'}: cannot be read" in nowhere.stderr
    both = called(tmp_path / "data", "export", "--json")
    assert both.exit_code == 2 and "name a file" in both.stderr
    (tmp_path / "plain.gz").write_text(json.dumps({"annals_archive": 1}))
    plain = called(tmp_path / "data", "import", str(tmp_path / "plain.gz"))
    assert plain.exit_code == 1 and "line 1: cannot be read: Not a gzipped file" in plain.stderr
