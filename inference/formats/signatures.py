"""Binary files by their signatures: those that have readers, archives, and the names of others for a message."""

import io

from inference.formats.document import Kind
from inference.formats.errors import UnreadableFileError, UnsupportedFileError

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ARCHIVES = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd")
_PARTS: tuple[tuple[str, Kind], ...] = (
    ("word/document.xml", "docx"),
    ("ppt/presentation.xml", "pptx"),
    ("xl/workbook.xml", "xlsx"),
)
_MIMETYPES: dict[bytes, Kind] = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.text-template": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.spreadsheet-template": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
    b"application/vnd.oasis.opendocument.presentation-template": "odp",
}
_OLD_OFFICE = (
    ("WordDocument", "a Word document of before 2007; save it as .docx"),
    ("PowerPoint Document", "a PowerPoint presentation of before 2007; save it as .pptx"),
    ("Workbook", "an Excel workbook of before 2007; save it as .xlsx"),
)


def binary_kind(raw: bytes) -> Kind | None:
    """None for what may be text. Raises UnreadableFileError, UnsupportedFileError."""
    if raw.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(raw)
    if raw.startswith(OLE):
        return _ole_kind(raw)
    if raw.startswith(_ARCHIVES) or raw[257:262] == b"ustar":
        return "archive"
    name = _name(raw)
    if name is not None:
        raise UnsupportedFileError(f"is {name}, of which no text can be read")
    return None


def _zip_kind(raw: bytes) -> Kind:
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as opened:
            names = set(opened.namelist())
            found = opened.infolist()
            if "mimetype" in names and opened.getinfo("mimetype").file_size <= 256:
                stated = opened.read("mimetype").strip()
                if stated in _MIMETYPES:
                    return _MIMETYPES[stated]
                if stated.startswith(b"application/vnd.oasis.opendocument."):
                    kind = stated.rpartition(b".")[2].decode("ascii", "replace")
                    raise UnsupportedFileError(f"is an OpenDocument {kind}; save it as .odt, .ods, .odp or .pdf")
            for part, kind_of_part in _PARTS:
                if part in names:
                    return kind_of_part
            if "[Content_Types].xml" in names and not any(one.filename.endswith((".txt", ".md")) for one in found):
                raise UnreadableFileError("is an Office file without its main part; save it again")
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, ValueError, OSError, NotImplementedError) as error:
        raise UnreadableFileError(f"is a broken zip file ({_short(error)}); get it again") from None
    except RuntimeError:
        raise UnreadableFileError("is an encrypted zip file; decrypt it first") from None
    return "archive"


def _ole_kind(raw: bytes) -> Kind:
    """Names in a compound file's directory are UTF-16."""

    def has(name: str) -> bool:
        return name.encode("utf-16-le") in raw

    if has("EncryptedPackage"):
        raise UnreadableFileError("is encrypted with a password; save it without one")
    if has("__properties_version1.0"):
        return "msg"
    for stream, what in _OLD_OFFICE:
        if has(stream):
            raise UnsupportedFileError(f"is {what}")
    raise UnsupportedFileError("is a compound file (OLE) of no kind that is read; save it in another format")


def _name(raw: bytes) -> str | None:
    """How puremagic calls it, where it is no text for certain."""
    head = raw[:4096]
    if not any(byte < 9 or 13 < byte < 32 for byte in head) and not head.startswith((b"\xff\xd8", b"GIF8")):
        return None
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return None  # a byte order mark
    import puremagic

    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError, IndexError, KeyError, UnicodeError):
        return None
    sure = [
        match
        for match in matches
        if match.confidence >= 0.4
        and len(match.byte_match or b"") >= 3
        and not (match.mime_type or "").startswith(("text/", "message/"))
    ]
    if not sure or not (sure[0].name or sure[0].extension):
        return None
    return f"a file of the kind “{sure[0].name or sure[0].extension.lstrip('.')}”"


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
