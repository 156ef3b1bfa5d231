"""From bytes to text in whatever encoding: by a byte order mark, as UTF-8, by its zeros, else by its statistics."""

import codecs
import unicodedata
from dataclasses import dataclass

from inference.formats.errors import UnreadableFileError, UnsupportedFileError

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which is how it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LOOKED_AT = 65_536
"""Bytes that are looked at to find an encoding by statistics."""
WIDE_SHARE = 0.25
"""Of bytes at even or odd positions that are NUL in UTF-16 of mostly Latin text, at least."""
SPACE_SHARE = 0.05
"""Of characters that are spaces or line ends in any text, at least."""
CONTROL_SHARE = 0.02
"""Of characters that are controls: text has fewer."""
SURE_BYTES = 64
"""Bytes beyond ASCII below which statistics say little, so that the most frequent legacy encoding is tried first."""
_STRANGE = frozenset({"Cn", "Co", "Cs"})
"""Unassigned, private, surrogate."""
_ALLOWED = frozenset("\t\n\r\f\x1b")


@dataclass(frozen=True, slots=True)
class Decoded:
    """`encoding` is a name that Python knows; `guessed` where nothing in the bytes says so for certain."""

    text: str
    encoding: str
    guessed: bool = False


def decode(raw: bytes, encoding: str | None = None) -> Decoded:
    """The text without byte order marks at its start. Raises UnreadableFileError, UnsupportedFileError for no text."""
    if encoding is not None:
        return _as(raw, encoding)
    for mark, name in MARKS:
        if raw.startswith(mark):
            return _marked(raw, name)
    if b"\0" not in raw:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            pass
        else:
            return Decoded(_checked(text), "utf-8")
        return _legacy(raw)
    wide = _wide(raw)
    if wide is None:
        raise UnsupportedFileError("is no text: it holds NUL bytes as a binary file does")
    return _guess(raw, wide)


def known(encoding: str) -> bool:
    """Whether this is an encoding of text that can be asked for."""
    try:
        return codecs.lookup(encoding)._is_text_encoding
    except LookupError:
        return False


def _as(raw: bytes, encoding: str) -> Decoded:
    if not known(encoding):
        raise UnreadableFileError(f"cannot be read as {encoding}, which is no encoding that is known; name another")
    try:
        return Decoded(raw.decode(encoding).lstrip("\ufeff"), codecs.lookup(encoding).name)
    except UnicodeError as error:
        raise UnreadableFileError(f"is not {encoding}: {_where(error)}; name its encoding, or none") from None


def _marked(raw: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(raw.decode(encoding).lstrip("\ufeff"), encoding)
    except UnicodeError as error:
        raise UnreadableFileError(f"is {encoding.upper()}, and broken: {_where(error)}; save it as UTF-8") from None


def _wide(raw: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, by where its zeros are."""
    head = raw[:LOOKED_AT]
    quarter = max(1, len(head) // 4)
    zeros = [head[offset::4].count(0) for offset in range(4)]
    if len(raw) % 4 == 0:
        if zeros[3] == quarter and zeros[2] >= 0.9 * quarter:
            return "utf-32-le"
        if zeros[0] == quarter and zeros[1] >= 0.9 * quarter:
            return "utf-32-be"
    if len(raw) % 2 == 0:
        even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
        half = max(1, len(head) // 2)
        least = max(SPACE_SHARE * half, 1) if half >= 4 else half + 1
        # Scripts beyond Latin have zeros only where there is a space or a line end.
        if odd >= least and (even <= odd // 8 if odd >= WIDE_SHARE * half else not even):
            return "utf-16-le"
        if even >= least and (odd <= even // 8 if even >= WIDE_SHARE * half else not odd):
            return "utf-16-be"
    return None


def _guess(raw: bytes, encoding: str) -> Decoded:
    try:
        text = _checked(raw.decode(encoding))
    except UnicodeError:
        text = ""
    strange = sum(_is_strange(character) for character in text[:LOOKED_AT])
    if not text or strange > CONTROL_SHARE * min(len(text), LOOKED_AT):
        raise UnsupportedFileError("is no text: it holds NUL bytes as a binary file does")
    return Decoded(text, encoding, guessed=True)


def _is_strange(character: str) -> bool:
    return unicodedata.category(character) in _STRANGE or (character < " " and character not in _ALLOWED)


def _legacy(raw: bytes) -> Decoded:
    head = raw[:LOOKED_AT]
    if _controls(head.decode("latin-1")) > CONTROL_SHARE:
        raise UnsupportedFileError("is no text: it holds control characters as a binary file does")
    for encoding in _candidates(head):
        try:
            return Decoded(_checked(raw.decode(encoding)), encoding, guessed=True)
        except (UnicodeError, UnsupportedFileError):
            continue
    raise UnsupportedFileError("is no text in any encoding that is known; name its encoding by --encoding")


def _candidates(head: bytes) -> list[str]:
    import charset_normalizer

    beyond = sum(byte >= 0x80 for byte in head)
    found = [match.encoding for match in charset_normalizer.from_bytes(head)]
    western = ["cp1252"] if beyond < SURE_BYTES and 3 * beyond < len(head) else []
    return [*western, *(name for name in found if name not in ("utf_8", "ascii", *western))]


def _checked(text: str) -> str:
    if _controls(text[:LOOKED_AT]) > CONTROL_SHARE:
        raise UnsupportedFileError("is no text: it holds control characters as a binary file does")
    return text


def _controls(text: str) -> float:
    count = sum(character < " " and character not in _ALLOWED for character in text)
    return count / max(1, len(text)) if count > 1 else 0.0


def _where(error: UnicodeError) -> str:
    return f"byte {error.start}: {error.reason}" if isinstance(error, UnicodeDecodeError) else str(error)
