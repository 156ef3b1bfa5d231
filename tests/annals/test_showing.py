"""What `annals show` prints of a chunk, and the file that `--original` writes: new, and whole or not there."""

import resource
from pathlib import Path

import pytest

from annals.cli.context import CommandContext
from annals.cli.show import show_chunk, write_new
from annals.cli.usage import PlainError
from annals.settings import load_settings


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "out"
    write_new(file, b"first")
    with pytest.raises(PlainError, match="is there already; name another file"):
        write_new(file, b"second")
    assert file.read_bytes() == b"first"


def test_where_it_cannot_be_written_whole_nothing_is_left(tmp_path: Path) -> None:
    file, (soft, hard) = tmp_path / "out", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(PlainError, match="cannot be written: File too large"):
            write_new(file, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not file.exists()
    with pytest.raises(PlainError, match="cannot be written: No such file"):
        write_new(tmp_path / "nowhere" / "out", b"x")


def test_a_chunk_is_printed_line_by_line_and_commands_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chunk = {
        "title": "Pier\x1b[2J",
        "document_id": "a",
        "citation": None,
        "start": 0,
        "end": 10,
        "before": "",
        "text": "One.\n\nTwo\x9b31m.",
        "after": "Three.",
    }
    show_chunk(CommandContext(load_settings(data=tmp_path)), chunk)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Pier\\x1b[2J"
    assert lines[lines.index("Chunk") :] == ["Chunk", "  One.", "  ", "  Two\\x9b31m.", "After", "  Three."]
