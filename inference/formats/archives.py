"""Archives (.zip, .tar, .gz, .bz2, .xz), only where somebody asks: each file in them by its own reader."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from inference.formats.context import ReadContext
from inference.formats.document import Read
from inference.formats.errors import UnreadableFileError, UnsupportedFileError
from inference.formats.zip_guard import MAX_BYTES, MAX_MEMBERS, RATIO_FROM, member, opened

MAX_RATIO = 1_000
"""Unpacked to packed, of a compressed file."""
_OPENINGS: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", lambda packed: gzip.GzipFile(fileobj=packed)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
_BROKEN = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, ValueError)


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """What the files in it hold. Links and devices are left out. Raises UnsupportedFileError where nobody asked."""
    if not context.archives:
        raise UnsupportedFileError("is an archive; unpack it, or read it with --archives")
    if raw.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        with opened(raw) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield from context.read_part(member(archive, info), info.filename, info.filename)
        return
    unpacked = _unpacked(raw)
    if unpacked[257:262] == b"ustar":
        yield from _tar(unpacked, context)
    elif unpacked is not raw:
        name = os.path.splitext(os.path.basename(context.name))[0]
        yield from context.read_part(unpacked, name, name)
    else:
        raise UnsupportedFileError("is an archive of a kind that is not opened; unpack it")


def _tar(raw: bytes, context: ReadContext) -> Iterator[Read]:
    count = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            for info in archive:
                count += 1
                if count > MAX_MEMBERS:
                    raise UnreadableFileError(f"holds more than {MAX_MEMBERS:,} files; unpack it")
                stream = archive.extractfile(info) if info.isfile() else None
                if stream is not None:
                    yield from context.read_part(stream.read(), info.name, info.name)
    except _BROKEN as error:
        raise UnreadableFileError(f"is a broken archive ({' '.join(str(error).split())[:80]}); get it again") from None


def _unpacked(raw: bytes) -> bytes:
    opening = next((one for start, one in _OPENINGS if raw.startswith(start)), None)
    if opening is None:
        return raw
    limit = min(MAX_BYTES, max(RATIO_FROM, MAX_RATIO * len(raw)))
    try:
        with opening(io.BytesIO(raw)) as stream:
            found: bytes = stream.read(limit + 1)
    except _BROKEN as error:
        raise UnreadableFileError(f"is a broken archive ({' '.join(str(error).split())[:80]}); get it again") from None
    if len(found) > limit:
        raise UnreadableFileError(f"is a decompression bomb: it unpacks to more than {limit:,} bytes; check it")
    return found
