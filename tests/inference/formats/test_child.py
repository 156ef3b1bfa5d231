"""The process that reads files: what a file may cost, and that nothing of a file gets out of it but text."""

import os
import time
from pathlib import Path

import pytest

from inference.formats.child import FileReader, ReadLimits
from inference.formats.document import NotRead, ReadDocument

pytestmark = pytest.mark.pipeline

READER = """
import os, signal, time
from inference.formats.document import ReadDocument

def read(decoded, context):
    what = decoded.text.split()[1]
    print("what a library prints is no answer", flush=True)
    if what == "sleep":
        time.sleep(600)
    if what == "spin":
        while True:
            pass
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "exit":
        os._exit(3)
    if what == "memory":
        held = [bytes(50_000_000) for _ in range(1000)]
    if what == "many":
        for number in range(1000):
            yield ReadDocument(kind="text", text="x" * 1000, part=str(number))
    if what == "error":
        raise KeyError("no such part")
    if what == "deep":
        def down(n):
            return down(n + 1)
        down(0)
    yield ReadDocument(kind="text", text=" ".join(f"{name}={value}" for name, value in os.environ.items()))
"""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child finds a reader of plain text that does what the text says."""
    (tmp_path / "sitecustomize.py").write_text("")
    (tmp_path / "hostile_reader.py").write_text(READER)
    (tmp_path / "hostile_worker.py").write_text(
        "import hostile_reader\nimport inference.formats.registry as registry\n"
        "import inference.formats.plain_text as plain_text\nplain_text.read_text = hostile_reader.read\n"
        "from inference.formats.worker import main\nmain()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("inference.formats.child.WORKER", "hostile_worker")


LIMITS = ReadLimits(file_bytes=1000, seconds=1.0, memory_bytes=600 * 1024 * 1024, output_bytes=50_000, documents=900)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("sleep", "takes more than 1 s to be read; split it or raise read_seconds"),
        ("spin", "takes more than 1 s to be read; split it or raise read_seconds"),
        ("crash", "breaks its parser (SIGSEGV); is it broken? save it again"),
        ("exit", "breaks its parser (exit code 3); is it broken? save it again"),
        ("memory", "needs more than 600 MiB of memory to be read; split it"),
        ("error", "cannot be parsed (KeyError: 'no such part'); is it broken? save it again"),
        ("deep", "is nested too deeply to be read; flatten it"),
    ],
)
def test_what_a_file_does_to_its_reader_is_said_and_the_next_one_is_read(what: str, said: str) -> None:
    with FileReader(LIMITS) as reader:
        began = time.monotonic()
        assert list(reader.read(f"do {what}".encode(), "a.txt")) == [NotRead(said)]
        assert time.monotonic() - began < 60
        (found,) = reader.read(b"do nothing", "a.txt")
        assert isinstance(found, ReadDocument)


@pytest.mark.usefixtures("hostile")
def test_what_it_gives_is_bounded() -> None:
    with FileReader(LIMITS) as reader:
        *some, last = reader.read(b"do many", "a.txt")
        assert 10 < len(some) < 50 and isinstance(last, NotRead)
        assert (last.part, last.reason) == ("the rest", "holds more than is read of one file; split it")


@pytest.mark.usefixtures("hostile")
def test_no_secret_is_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNALS_MASTER_KEY", "a-master-key")
    with FileReader(LIMITS) as reader:
        (found,) = reader.read(b"do nothing", "a.txt")
    assert isinstance(found, ReadDocument)
    assert "PATH=" in found.text and "a-master-key" not in found.text


def test_a_file_over_the_limit_is_not_sent() -> None:
    with FileReader(LIMITS) as reader:
        (found,) = reader.read(bytes(1001), "a.txt")
        assert found == NotRead("is 1,001 bytes and the limit is 1,000; split it or raise max_file_bytes")


def test_one_child_reads_many_files_and_ends_with_its_reader() -> None:
    with FileReader() as reader:
        (first,) = reader.read(b"One.", "a.txt")
        child = reader.pid
        (second,) = reader.read(b"Two.", "a.txt")
        assert reader.pid == child is not None
        assert [first.text, second.text] == ["One.", "Two."]  # type: ignore[union-attr]
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_reader_that_is_left_in_the_middle_starts_anew() -> None:
    message = b"From: a@example.org\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
    parts = b"".join(b"--B\nContent-Disposition: attachment; filename=%d.txt\n\nText.\n" % n for n in range(5))
    with FileReader() as reader:
        documents = reader.read(message + parts + b"--B--\n", "a.eml")
        next(documents)
        documents.close()  # type: ignore[attr-defined]
        assert [one.text for one in reader.read(b"Two.", "a.txt")] == ["Two."]  # type: ignore[union-attr]
