"""Subtitles (SRT, WebVTT, SSA/ASS, ...): what is said, a line a caption, without times and styles."""

from collections.abc import Iterator

from inference.formats.building import TextBuilder, one_line
from inference.formats.context import ReadContext
from inference.formats.document import Read, ReadDocument
from inference.formats.encodings import Decoded
from inference.formats.errors import UnreadableFileError
from inference.formats.plain_text import guessed


def read(decoded: Decoded, context: ReadContext) -> Iterator[Read]:
    """One document. A caption with a speaker starts with his name."""
    import pysubs2

    try:
        found = pysubs2.SSAFile.from_string(decoded.text)
    except Exception as error:  # whatever its parsers raise of a broken file
        raise UnreadableFileError(f"is broken as subtitles ({one_line(str(error))[:80]}); mend it") from None
    lines: list[str] = []
    for event in found.events:
        if event.is_comment or event.is_drawing:
            continue
        said = one_line(event.plaintext)
        line = f"{event.name}: {said}" if event.name and said else said
        if line and (not lines or lines[-1] != line):  # captions that grow or stay come again
            lines.append(line)
    builder = TextBuilder()
    builder.verbatim("\n".join(lines))
    title = one_line(str(found.info.get("Title", "")))
    yield ReadDocument(
        kind="subtitles",
        text=builder.text,
        title=title if title not in ("", "Default file", "<untitled>") else None,
        encoding=decoded.encoding,
        warnings=guessed(decoded),
    )
