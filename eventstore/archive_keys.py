"""The keys file of an archive: what opens what is sealed in it, apart from it, since who has both reads everything.

    header     {"annals_archive_keys": 1, "created_at", "count"}
    key        {"key_id", "key"}: 32 bytes in base64; null: destroyed; by "key_id"
    end        {"sha256"} of every byte before this line

A later keys file of the same log opens an older archive, too, but for what was erased between them: so whoever keeps
old archives, and the newest keys file alone, keeps nothing of what was erased.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Literal

from pydantic import AwareDatetime, Field, field_validator

from eventstore.archive import KEYS_APART, ArchiveReader, KeyLine
from eventstore.summed_lines import ArchiveError, ArchiveLine, SummedReader, SummedWriter, decoded, moment_of


class MissingKeysError(ArchiveError):
    """What is in the archive is sealed, and its keys are in a file of their own; name it with --keys."""


class _Header(ArchiveLine):
    annals_archive_keys: Literal[1]
    created_at: AwareDatetime
    count: int = Field(ge=0)


class OpeningLine(ArchiveLine):
    """`key` opens; None: it was destroyed."""

    key_id: str
    key: bytes | None

    @field_validator("key", mode="before")
    @classmethod
    def _decoded(cls, value: object) -> object:
        return decoded(value)


class KeysWriter:
    """Every method raises ArchiveError."""

    def __init__(self, file: BinaryIO, count: int) -> None:
        self._lines = SummedWriter(file)
        self._lines.write({"annals_archive_keys": 1, "created_at": moment_of(datetime.now(UTC)), "count": count})

    def key(self, key_id: str, key: bytes | None) -> None:
        """What opens, in the clear; None where it was destroyed."""
        self._lines.write({"key_id": key_id, "key": None if key is None else base64.b64encode(key).decode()})

    def end(self) -> None:
        """The last line."""
        self._lines.end()


class KeysReader:
    """Every method raises ArchiveError."""

    def __init__(self, file: BinaryIO) -> None:
        self._read = SummedReader(file, "the keys file, ")
        raw = self._read.next()
        try:
            json.loads(raw)["annals_archive_keys"]
        except (ValueError, KeyError, TypeError):
            raise self._read.fault("is not the first line of a keys file of Annals") from None
        self._count = self._read.checked(raw, lambda raw: _Header.model_validate_json(raw)).count

    def opening(self) -> Iterator[OpeningLine]:
        """All of them, by id; then the file was whole."""
        yield from self._read.lines(self._count, lambda raw: OpeningLine.model_validate_json(raw))
        self._read.end()


def opened_keys(archive: ArchiveReader, keys: KeysReader | None) -> Iterator[KeyLine]:
    """The archive's data keys with what opens them, a line of either file at a time. Raises ArchiveError."""
    if archive.header.annals_archive < KEYS_APART:
        yield from archive.data_keys()
        return
    if archive.header.counts.keys and keys is None:
        raise MissingKeysError()
    opening = iter(()) if keys is None else keys.opening()
    for line in archive.data_keys():
        # What was made after the archive was written opens nothing of it.
        found = next((one for one in opening if one.key_id >= line.key_id), None)
        if found is None or found.key_id != line.key_id:
            raise ArchiveError(
                f"the keys file has no key {line.key_id}: it is of another log, or older than the archive; name the "
                "file that was written with it, or a later one"
            )
        yield line.model_copy(update={"key": found.key})
    for _ in opening:
        pass
