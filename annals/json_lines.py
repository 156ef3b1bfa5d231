"""JSON Lines as documents: an object a line, and what is wrong with one, in words for who has the file before him."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails, from_json

from contracts.codec import one_step
from contracts.errors import AnnalsError
from contracts.payload import Attributes, Identifier

SHOWN_FAULTS = 3
LOOKED_AT = 65_536
EXAMPLE = '{"id": ..., "title": ..., "text": ...}'


class Line(BaseModel):
    """One JSON line: `{"id", "title", "text"}`, optionally `uri` and `attributes`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Identifier
    title: str = ""
    text: str
    uri: str | None = None
    attributes: Annotated[Attributes, Field(default_factory=dict)]

    @field_validator("id", mode="before")
    @classmethod
    def _number_is_a_name(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class NotLinesError(AnnalsError):
    """The file holds JSON, but not one document a line; write each document on a line of its own."""


def numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers from 1.

    Raises NotLinesError before the first line of a JSON array or of an object that is spread over several lines.
    """
    filled = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    held = next(filled, None)
    first = True
    while held is not None:
        following = next(filled, None)
        _check(*held, following[1] if following is not None else None, first)
        yield held
        held, first = following, False


def _check(number: int, line: bytes, following: bytes | None, first: bool) -> None:
    start = line.lstrip()[:1]
    if start == b"[" and first and (_is_begun(line) if following is not None else _is_list(line)):
        raise NotLinesError(
            "is one JSON array, not one document a line; make lines of it: jq -c '.[]' OLD.json > NEW.jsonl"
        )
    goes_on = following is not None and not following.startswith(b"{")
    if start == b"{" and goes_on and _is_begun(line):
        raise NotLinesError(
            f"line {number}: a document's JSON is spread over several lines; put each document on one line: "
            "jq -c . OLD.json > NEW.jsonl"
        )


def is_array(raw: bytes) -> bool:
    """Whether this is a JSON array of objects, as a whole."""
    return raw.lstrip()[:1] == b"[" and _is_list(raw)


def is_of_documents(raw: bytes) -> bool:
    """Whether this is JSON of documents with an `id` and a `text`, one a line, in an array, or spread over lines."""
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        found = from_json(raw)
    except ValueError:
        # More than one value, or broken: the first line or the first object tells.
        start = raw.lstrip()
        return start.startswith(b"{") and all(name in start[:LOOKED_AT] for name in (b'"id"', b'"text"'))
    first = found[0] if isinstance(found, list) and found else found
    return isinstance(first, dict) and first.keys() >= {"id", "text"}


def id_of(raw: bytes) -> str | None:
    """The id that a line names that is no document for another reason; None where it cannot be told."""
    try:
        found = from_json(raw)
        return Line(id=found["id"], text="", attributes={}).id
    except (ValueError, KeyError, TypeError):
        return None


def _is_list(raw: bytes) -> bool:
    try:
        found = from_json(raw)
    except ValueError:
        return False
    return isinstance(found, list) and bool(found) and all(isinstance(one, dict) for one in found)


def _is_begun(line: bytes) -> bool:
    """Whether JSON begins here and does not end."""
    try:
        from_json(line)
        return False
    except ValueError:
        pass
    try:
        from_json(line, allow_partial=True)
        return True
    except ValueError:
        return False


def words(error: ValidationError) -> str:
    """What is wrong with a document, in one line: at most SHOWN_FAULTS faults, without the input."""
    faults = error.errors(include_url=False, include_input=False)
    shown = [_words(fault) for fault in faults[:SHOWN_FAULTS]]
    more = [f"and {len(faults) - SHOWN_FAULTS} more faults"] if len(faults) > SHOWN_FAULTS else []
    return "; ".join(shown + more)


def _words(fault: ErrorDetails) -> str:
    context: dict[str, Any] = fault.get("ctx", {})
    field = f'"{".".join(map(one_step, fault["loc"]))}"'
    match fault["type"]:
        case "json_invalid":
            return _no_json(str(context.get("error", "")))
        case "model_type" | "model_attributes_type":
            return f"is no JSON object; write {EXAMPLE}"
        case "missing":
            return f"has no {field}"
        case "extra_forbidden":
            return f'{field} is no field of a document; put it into "attributes"'
        case "string_type" | "string_sub_type":
            return f"{field} is no text in quotes"
        case "string_too_short":
            return f"{field} is empty"
        case "string_too_long":
            return f"{field} has more than {context['max_length']} characters"
        case "string_pattern_mismatch":
            return f"{field} holds control characters"
        case "dict_type":
            return f"{field} is no JSON object"
        case "value_error":
            return f"{field} {context['error']}"
        case _:
            return f"{field}: {fault['msg']}"


def _no_json(fault: str) -> str:
    """The parser counts lines within the line that it was given; only the column says anything."""
    what, _, where = fault.partition(" at line ")
    column = where.rpartition("column ")[2]
    if what.startswith("EOF"):
        return f"is no whole JSON: it ends at column {column}, before its last bracket"
    return f"is no JSON: {what} at column {column}" if column else f"is no JSON: {what}"
