"""Archives as files: written whole or not at all, for their owner alone; .gz is compressed."""

import contextlib
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from eventstore.summed_lines import ArchiveError

GZIP_LEVEL = 6
KEYS_SUFFIX = ".keys"
"""Of the file that opens an archive, behind the archive's own name."""


@contextlib.contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Where to write. The file has its name only once it is whole. Raises ArchiveError."""
    partial = path.with_name(f"{path.name}.part")
    with write_faults():
        raw = os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", 1024 * 1024)
    try:
        with raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=raw) as compressed:
                    yield cast(BinaryIO, compressed)
            else:
                yield raw
            with write_faults():
                raw.flush()
                os.fsync(raw.fileno())
        with write_faults():
            partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Where to read. Raises ArchiveError where the file cannot be opened; the rest is the reader's to say."""
    try:
        raw = cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115
    except OSError as error:
        raise ArchiveError(f"cannot be read: {error.strerror or error}") from None
    with raw:
        yield raw


@contextlib.contextmanager
def write_faults() -> Iterator[None]:
    """What the system says of writing, as ArchiveError."""
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"cannot be written: {error.strerror or error}") from error
