"""Files of JSON Lines that end with a sum over all lines: archives, and what opens them."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, BinaryIO, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from contracts.codec import MalformedEventError, NewerSchemaError, canonical, plain
from contracts.errors import AnnalsError
from contracts.payload import Digest

LINE_BYTES = 64 * 1024 * 1024
"""No line is longer: a text has at most 8 MiB, and JSON spells a character with at most six bytes."""
Line = TypeVar("Line", bound=BaseModel)


class ArchiveError(AnnalsError):
    """The file is no whole archive, or cannot be read or written; the message says where and why.

    No OSError leaves the files that say it: between the log and the archive it would be taken for the database's.
    """


class ArchiveLine(BaseModel):
    """Strict."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


def decoded(value: object) -> object:
    """Base64 of a line, where it is a text."""
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else value
    except binascii.Error as error:
        raise ValueError(f"is no base64: {error}") from None


Base64 = Annotated[bytes, BeforeValidator(decoded)]


class End(ArchiveLine):
    sha256: Digest


class SummedWriter:
    """Every method raises ArchiveError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sum = hashlib.sha256()

    def write(self, line: Mapping[str, Any]) -> None:
        """One line."""
        raw = canonical(dict(line)) + b"\n"
        self._sum.update(raw)
        try:
            self._file.write(raw)
        except OSError as error:
            raise ArchiveError(f"cannot be written: {error.strerror or error}") from error

    def end(self) -> None:
        """The last line: the file is whole."""
        self.write({"sha256": self._sum.hexdigest()})


class SummedReader:
    """Reads one line after another, checking each. Every method raises ArchiveError."""

    def __init__(self, file: BinaryIO, name: str = "") -> None:
        """`name`: what is said before the number of a line."""
        self._file, self._name = file, name
        self._sum = hashlib.sha256()
        self.line = 0
        """The line read last, counted from 1."""

    def lines(self, count: int, read: Callable[[bytes], Line]) -> Iterator[Line]:
        """The next so many."""
        for _ in range(count):
            raw = self.next()
            if not raw.endswith(b"\n"):
                raise self.fault("the file was cut off here")
            yield self.checked(raw, read)

    def end(self) -> None:
        """Nothing is missing, nothing was changed, and nothing follows."""
        found = self._sum.hexdigest()
        (end,) = self.lines(1, lambda raw: End.model_validate_json(raw))
        if end.sha256 != found:
            raise self.fault("the sum over all lines differs: the file was changed after it was written")
        if self.next():
            raise self.fault("the archive had ended before this line")

    def checked(self, raw: bytes, read: Callable[[bytes], Line]) -> Line:
        """The line, as `read` has it."""
        try:
            return read(raw)
        except ValidationError as error:
            raise self.fault(plain(error)) from None
        except (MalformedEventError, NewerSchemaError) as error:
            raise self.fault(str(error)) from None
        except (ValueError, AttributeError):
            raise self.fault("is no JSON object") from None

    def next(self) -> bytes:
        """The next line as it is; empty behind the last."""
        self.line += 1
        try:
            raw = self._file.readline(LINE_BYTES)
        except (EOFError, zlib.error) as error:
            raise self.fault(f"the compressed file was cut off or damaged about here: {error}") from None
        except OSError as error:  # among them gzip's own, of a file that it did not write
            raise self.fault(f"cannot be read: {error.strerror or error}") from error
        if len(raw) == LINE_BYTES:
            raise self.fault(f"is longer than {LINE_BYTES} bytes, as no line of an archive is")
        self._sum.update(raw)
        return raw

    def fault(self, what: str) -> ArchiveError:
        """It is about the line that was read last."""
        return ArchiveError(f"{self._name}line {self.line}: {what}")


def moment_of(moment: datetime) -> str:
    """As a line spells it."""
    return moment.astimezone(UTC).isoformat()
