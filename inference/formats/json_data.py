"""JSON as text: each value on a line behind its path (`address.town: Tarrow`), lists of like objects as tables."""

from collections.abc import Iterator
from typing import Any

from inference.formats.building import TextBuilder
from inference.formats.context import ReadContext
from inference.formats.document import Read, ReadDocument
from inference.formats.encodings import Decoded
from inference.formats.errors import UnreadableFileError
from inference.formats.plain_text import guessed

MAX_DEPTH = 64
TABLE_COLUMNS = 30


def read(decoded: Decoded, context: ReadContext) -> Iterator[Read]:
    """One document. Its `title`, `author`, `date` and `language`, where the outermost object has them as text."""
    from pydantic_core import from_json

    try:
        value = from_json(decoded.text)
    except ValueError as error:
        raise UnreadableFileError(f"is broken JSON ({str(error)[:100]}); mend it") from None
    builder = TextBuilder()
    _add(builder, "", value, 0)
    builder.end_list()
    stated = value if isinstance(value, dict) else {}
    title = stated.get("title") or stated.get("name")
    yield ReadDocument(
        kind="json",
        text=builder.text,
        title=title if isinstance(title, str) else None,
        encoding=decoded.encoding,
        warnings=guessed(decoded),
    )


def _add(builder: TextBuilder, path: str, value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise UnreadableFileError(f"is JSON of more than {MAX_DEPTH} levels; flatten it")
    if isinstance(value, list) and _is_table(value):
        builder.end_list()
        if path:
            builder.paragraph(f"{path}:")
        columns = list(dict.fromkeys(name for row in value for name in row))
        builder.table([columns, *([_word(row.get(name)) for name in columns] for row in value)])
    elif isinstance(value, dict):
        for name, inner in value.items():
            _add(builder, f"{path}.{name}" if path else str(name), inner, depth + 1)
    elif isinstance(value, list) and not all(_is_scalar(one) for one in value):
        for number, inner in enumerate(value, start=1):
            _add(builder, f"{path}[{number}]" if path else f"[{number}]", inner, depth + 1)
    else:
        words = ", ".join(map(_word, value)) if isinstance(value, list) else _word(value)
        if words:
            builder.item(f"{path}: {words}" if path else words)


def _is_table(value: list[Any]) -> bool:
    if len(value) < 2 or not all(isinstance(row, dict) and row for row in value):
        return False
    if not all(_is_scalar(cell) for row in value for cell in row.values()):
        return False
    return len({name for row in value for name in row}) <= TABLE_COLUMNS


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _word(value: object) -> str:
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
