"""WARC (ISO 28500): a document a page that was answered with success, named by its address."""

import io
from collections.abc import Iterator
from dataclasses import replace

from inference.formats.context import ReadContext
from inference.formats.document import NotRead, Read, ReadDocument
from inference.formats.errors import UnreadableFileError

MAX_RECORD = 64 * 1024 * 1024


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """The documents. Pictures, styles and programs of pages are left out without a word."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    try:
        for record in ArchiveIterator(io.BytesIO(raw)):
            if record.rec_type not in ("response", "resource"):
                continue
            address = record.rec_headers.get_header("WARC-Target-URI") or "record"
            headers = record.http_headers
            if headers is not None and headers.get_statuscode() != "200":
                continue
            stated = (headers.get_header("Content-Type") if headers is not None else None) or ""
            if stated.split(";")[0].strip().lower() in _NOT_PAGES or stated.startswith(
                ("image/", "audio/", "video/", "font/")
            ):
                continue
            content = record.content_stream().read(MAX_RECORD + 1)
            if len(content) > MAX_RECORD:
                yield NotRead(f"is a record of more than {MAX_RECORD:,} bytes; read it by itself", part=address)
                continue
            written = record.rec_headers.get_header("WARC-Date")
            for found in context.read_part(content, _name(address), address):
                if isinstance(found, ReadDocument) and found.created is None:
                    found = replace(found, created=written)
                yield found
    except (ArchiveLoadFailed, EOFError, ValueError, OSError) as error:
        raise UnreadableFileError(
            f"is a broken WARC file ({' '.join(str(error).split())[:80]}); get it again"
        ) from None


_NOT_PAGES = frozenset({"text/css", "text/javascript", "application/javascript", "application/x-javascript"})


def _name(address: str) -> str:
    """The last step of its path, as a file's name."""
    return address.split("?")[0].split("#")[0].rstrip("/").rpartition("/")[2][:200]
