"""RTF: its text, without formatting."""

import re
from collections.abc import Callable, Iterator

from inference.formats.building import TextBuilder, one_line
from inference.formats.context import ReadContext
from inference.formats.document import Read, ReadDocument
from inference.formats.errors import UnreadableFileError

_INFO = re.compile(r"\\info\b(.{0,8192})", re.DOTALL)
_FIELD = r"\{\\%s\s+([^{}]{1,2000})\}"
_TIME = re.compile(r"\\creatim\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})(?:\\hr(\d{1,2}))?(?:\\min(\d{1,2}))?")
_OUTLINE = re.compile(r"\\outlinelevel(\d)(?![0-9]) ?")
_LEVEL = re.compile("\uf000(\\d)")
_BULLET = re.compile(r"[•‣▪◦●○·]\s*(?=\S)")


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document. A row of a table is a row of a table here."""
    source = raw.decode("latin-1").rstrip("\0")
    if source.count("{") > source.count("}") + 64 or not source.rstrip().endswith("}"):
        raise UnreadableFileError("is RTF that ends too early; get it again")
    # A heading's level goes through as a character of private use before its words.
    outlined = _OUTLINE.sub(lambda found: rf"{{\u-4096?{found[1]}}}", source)
    text = _text(outlined, encoding=context.encoding or "cp1252", errors="replace")
    # What lies beyond the first plane comes as two halves.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    builder = TextBuilder()
    rows: list[list[str]] = []
    # A cell may end with a paragraph of its own.
    for line in text.replace("\n|", "|").split("\n"):
        if line.count("|") >= 2 and line.rstrip().endswith("|"):
            rows.append(line.rstrip().removesuffix("|").split("|"))
            continue
        builder.table(rows)
        rows = []
        level, line = _LEVEL.search(line), _LEVEL.sub("", line)
        if level is not None and line.strip():
            builder.heading(int(level[1]) + 1, line)
        elif bullet := _BULLET.match(line.strip()):
            builder.item(line.strip()[bullet.end() :])
        elif line.strip():
            builder.end_list()
            builder.paragraph(line)
    builder.table(rows)
    yield ReadDocument(
        kind="rtf",
        text=builder.text,
        title=_info(source, "title")
        or next((builder.text[one.start : one.end] for one in builder.headings if one.level == 1), None),
        authors=tuple(filter(None, (_info(source, "author"),))),
        created=_created(source),
        headings=builder.headings,
    )


def _info(source: str, name: str) -> str | None:
    info = _INFO.search(source)
    found = re.search(_FIELD % name, info[1]) if info else None
    return one_line(_text("{\\rtf1 " + found[1] + "}", errors="replace")) or None if found else None


def _created(source: str) -> str | None:
    found = _TIME.search(source[:65_536])
    if found is None:
        return None
    year, month, day, hour, minute = (int(one or 0) for one in found.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{year:04}-{month:02}-{day:02}" + (f"T{hour:02}:{minute:02}:00" if hour or minute else "")


def _text(source: str, **options: str) -> str:
    from striprtf import striprtf

    convert: Callable[..., str] = striprtf.rtf_to_text
    return convert(source, **options)
