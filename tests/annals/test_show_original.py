"""The file that `annals show --original` writes: new, and whole or not there."""

import resource
from pathlib import Path

import pytest

from annals.cli.show import write_new
from annals.cli.usage import PlainError


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
