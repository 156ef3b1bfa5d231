"""Zip files before a library opens them: no bombs, no encryption, no entities in XML."""

import io
import re
import zipfile
import zlib

from inference.formats.errors import UnreadableFileError

MAX_MEMBERS = 10_000
MAX_BYTES = 512 * 1024 * 1024
"""Unpacked, of all members."""
MAX_RATIO = 200
"""Unpacked to packed, of a member of more than RATIO_FROM bytes."""
RATIO_FROM = 4 * 1024 * 1024
_ENTITY = re.compile(rb"<!(?:ENTITY|DOCTYPE[^>]*\[)", re.I)
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, ValueError, OSError, NotImplementedError, zlib.error)


def opened(raw: bytes) -> zipfile.ZipFile:
    """The zip file, its sizes checked by what its directory says. Raises UnreadableFileError."""
    try:
        found = zipfile.ZipFile(io.BytesIO(raw))
        members = found.infolist()
    except _BROKEN as error:
        raise broken(error) from None
    if len(members) > MAX_MEMBERS:
        raise UnreadableFileError(f"holds {len(members):,} files and the limit is {MAX_MEMBERS:,}; unpack it")
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableFileError("is encrypted with a password; save it without one")
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise UnreadableFileError(f"is a decompression bomb: it unpacks to more than {MAX_BYTES:,} bytes; check it")
    for member in members:
        if member.file_size > RATIO_FROM and member.file_size > MAX_RATIO * max(1, member.compress_size):
            raise UnreadableFileError(
                f"is a decompression bomb: a part unpacks to {member.file_size:,} bytes "
                f"from {member.compress_size:,}; check it"
            )
    return found


def member(archive: zipfile.ZipFile, name: str | zipfile.ZipInfo) -> bytes:
    """One member's bytes, no more than its directory says. Raises UnreadableFileError, KeyError."""
    info = name if isinstance(name, zipfile.ZipInfo) else archive.getinfo(name)
    try:
        with archive.open(info) as stream:
            found = stream.read(info.file_size + 1)
    except RuntimeError:
        raise UnreadableFileError("is encrypted with a password; save it without one") from None
    except _BROKEN as error:
        raise broken(error) from None
    if len(found) > info.file_size:
        raise UnreadableFileError("is a decompression bomb: a part unpacks to more than it says; check it")
    return found


def checked_office(raw: bytes) -> None:
    """Raises UnreadableFileError for a bomb, encryption, a member that is broken, or XML with entities in it."""
    with opened(raw) as archive:
        for info in archive.infolist():
            if info.filename.endswith((".xml", ".rels", ".opf", ".ncx")) and _ENTITY.search(
                member(archive, info)[:65_536]
            ):
                raise UnreadableFileError(
                    f"declares XML entities ({info.filename[:80]}), which its format has no use for; save it again"
                )


def broken(error: BaseException) -> UnreadableFileError:
    """What to say of a zip file that cannot be opened."""
    said = " ".join(str(error).split())[:100] or type(error).__name__
    return UnreadableFileError(f"is a broken zip file ({said}); get it again")
