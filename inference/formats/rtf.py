"""RTF: its text, without formatting."""

import re
from collections.abc import Callable, Iterator

from inference.formats.building import TextBuilder, one_line
from inference.formats.context import ReadContext
from inference.formats.document import Read, ReadDocument
from inference.formats.errors import UnreadableFileError

_INFO = re.compile(r"\\info\b(.{0,8192})", re.DOTALL)
_FIELD = r"\{\\%s\s+([^{}]{1,2000})\}"
_TIME = r"\\%s\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})(?:\\hr(\d{1,2}))?(?:\\min(\d{1,2}))?"
_INNER = r"(?:[^{}]++|\{[^{}]*+\})*+"
_STYLES = re.compile(r"\{\\stylesheet((?:[^{}]++|\{" + _INNER + r"\})*+)\}")
_STYLE = re.compile(r"\{\\s(\d{1,5})(?!\d)(" + _INNER + r")\}")
_STYLE_NAME = re.compile(r"(?:\\[a-z]+(?:-?\d+)?\s|\}\s*)(?:heading ([1-9])\b[^\\{}]*|title);\s*$", re.I)
_LEVEL = re.compile(r"\\outlinelevel(\d)(?!\d)")
_PROPERTY = re.compile(
    r"\\[^a-z]|\{\\(?P<label>listtext|pntext)(?![a-z])(?P<said>" + _INNER + r")\}|"
    r"\\(?P<name>pard|outlinelevel|ilvl|s)(?P<value>\d{1,5})?(?![a-z0-9-]) ?"
)
_MARK = re.compile("\uf000([hi])(\\d)")
_LABEL = re.compile("\uf001([^\uf002]*)\uf002")
_BULLET = re.compile(r"[•‣▪◦●○·]\s*(?=\S)")
_NUMBER = re.compile(r"(\d{1,6})[.)]?")
BODY = 9
"""The outline level of what is no heading."""


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document. A row of a table is a row of a table here."""
    source = raw.decode("latin-1").rstrip("\0")
    if source.count("{") > source.count("}") + 64 or not source.rstrip().endswith("}"):
        raise UnreadableFileError("is RTF that ends too early; get it again")
    text = _text(_marked(source), encoding=context.encoding or "cp1252", errors="replace")
    # What lies beyond the first plane comes as two halves.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    builder = TextBuilder()
    rows: list[list[str]] = []
    depth = 0
    # A cell may end with a paragraph of its own.
    for line in text.replace("\n|", "|").split("\n"):
        level = None
        for kind, value in _MARK.findall(line):
            level, depth = (int(value), depth) if kind == "h" else (level, int(value))
        line = _MARK.sub("", line)
        row = _LABEL.sub(lambda found: f"{_words(found)} ", line).rstrip()
        if row.count("|") >= 2 and row.endswith("|"):
            rows.append(row.removesuffix("|").split("|"))
            continue
        label, line = _LABEL.search(line), _LABEL.sub("", line).strip()
        if rows:
            builder.table(rows)
            rows = []
        if not line:
            continue
        if level is not None:
            builder.heading(level + 1, f"{_words(label)} {line}")
        elif label is not None:
            number = _NUMBER.fullmatch(label[1].strip())
            said = line if number else f"{_words(label)} {line}"
            builder.item(said, depth, int(number[1]) if number else None)
        elif bullet := _BULLET.match(line):
            builder.item(line[bullet.end() :])
        else:
            builder.end_list()
            builder.paragraph(line)
    builder.table(rows)
    yield ReadDocument(
        kind="rtf",
        text=builder.text,
        title=_info(source, "title")
        or next((builder.text[one.start : one.end] for one in builder.headings if one.level == 1), None),
        authors=tuple(filter(None, (_info(source, "author"),))),
        created=_time(source, "creatim"),
        modified=_time(source, "revtim"),
        headings=builder.headings,
    )


def _marked(source: str) -> str:
    """With marks of private use, which go through to the text: U+F000 and a letter with a digit where a paragraph gets
    its level as a heading (h0 the highest) or in a list (i0), and between U+F001 and U+F002 what stands before an item
    of a list. The level in a list holds until paragraphs are begun anew (`pard`)."""
    styles = _heading_styles(source)

    def marked(found: re.Match[str]) -> str:
        if found["label"] is not None:
            return f"{{\\uc0\\u-4095 }}{{{found['said']}}}{{\\uc0\\u-4094 }}"
        value = int(found["value"] or 0)
        match found["name"]:
            case "pard":
                return found[0] + _mark("i", 0)
            case "outlinelevel" if value < BODY:
                return _mark("h", value)
            case "s" if value in styles:
                return _mark("h", styles[value])
            case "ilvl" if value < BODY:
                return _mark("i", value)
            case _:
                return found[0]

    return _PROPERTY.sub(marked, source)


def _mark(kind: str, value: int) -> str:
    return f"{{\\uc0\\u-4096 {kind}{value}}}"


def _heading_styles(source: str) -> dict[int, int]:
    """Level of each style for headings, 0 the highest: it has one, or is called `heading 1` to 9, or is the title's."""
    sheet = _STYLES.search(source)
    levels: dict[int, int] = {}
    for number, definition in _STYLE.findall(sheet[1] if sheet else ""):
        stated, called = _LEVEL.search(definition), _STYLE_NAME.search(definition)
        if stated is not None and int(stated[1]) < BODY:
            levels[int(number)] = int(stated[1])
        elif called is not None:
            levels[int(number)] = int(called[1] or 1) - 1
    return levels


def _words(label: re.Match[str] | None) -> str:
    """What stands before a paragraph (`1.2`, `(a)`), unless it is a bullet: one sign, in some font a letter."""
    said = label[1].strip() if label is not None else ""
    return said if said.isdigit() or (len(said) > 1 and any(one.isalnum() for one in said)) else ""


def _info(source: str, name: str) -> str | None:
    info = _INFO.search(source)
    found = re.search(_FIELD % name, info[1]) if info else None
    return one_line(_text("{\\rtf1 " + found[1] + "}", errors="replace")) or None if found else None


def _time(source: str, name: str) -> str | None:
    found = re.search(_TIME % name, source[:65_536])
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
