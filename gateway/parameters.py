"""Parameters that several endpoints take, and what is checked of them."""

import json
import math
import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Header, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.payload import GenerationName, Identifier, Name, Question, Reason, storable
from gateway.errors import MalformedRequestError
from services.storage.precondition import NONE_YET

MAX_PAGE = 1000

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many, at most.")]
Cursor = Annotated[
    str | None, Query(max_length=8192, description="`next` of the page before; without one, the first page.")
]
Prefix = Annotated[str, Query(max_length=1024), AfterValidator(storable)]
FilePrefix = Annotated[
    str,
    Query(max_length=4096 * 3, description="Only lines of files whose addresses begin so, as `file:///docs/`."),
    AfterValidator(storable),
]
Attribute = Annotated[
    list[Annotated[str, Field(max_length=2048), AfterValidator(storable)]] | None,
    Query(max_length=16, description="NAME=VALUE; a VALUE that is a number, true or false is looked for as text, too."),
]
At = Annotated[
    GenerationName | None, Query(description="Read models as they were: the name of a generation; today's without one.")
]
AskedQuestion = Annotated[Question, Field(pattern=r"\S")]
DocumentId = Annotated[Identifier, Path(description="Percent-encoded, `/` as `%2F`.")]
ChunkId = Annotated[Identifier, Path(description="Percent-encoded.")]
EntityName = Annotated[Name, Path(description="Name or id, percent-encoded.")]
Prefer = Annotated[
    str | None, Header(max_length=256, description="`wait=N`: answer once it can be asked, within N seconds.")
]
IfMatch = Annotated[str | None, Header(max_length=256, description='An ETag, `"7"`, or `*`.')]
IfNoneMatch = Annotated[str | None, Header(max_length=256, description="`*`: only where there is none yet.")]


class Decision(BaseModel):
    """The body of what people decide; `reason` is kept with the event."""

    model_config = ConfigDict(strict=True, extra="forbid")

    reason: Reason | None = None


_TAG = re.compile(r'"(\d{1,18})"', re.ASCII)


def etag(version: int) -> str:
    """A strong entity tag (RFC 9110, 8.8.3) of an aggregate's version."""
    return f'"{version}"'


def expected_version(if_match: str | None, if_none_match: str | None = None) -> int | None:
    """The version that a document must have before (RFC 9110, 13.1). Raises MalformedRequestError.

    `If-Match: *` asks for nothing that deleting or replacing would not ask for by itself.
    """
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise MalformedRequestError("If-None-Match is `*` here, or nothing; send one of them")
        return NONE_YET
    if if_match is None or if_match.strip() == "*":
        return None
    tag = _TAG.fullmatch(if_match.strip())
    if tag is None:
        raise MalformedRequestError('If-Match is one ETag here, as `"7"`; send the one that was read')
    return int(tag[1])


def attributes_of(given: Sequence[str]) -> dict[str, list[Any]]:
    """What each attribute may be. Raises MalformedRequestError."""
    wanted: dict[str, list[Any]] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not name or not sign or name in wanted:
            raise MalformedRequestError("attribute is NAME=VALUE, each NAME once; mend the query")
        wanted[name] = _values(value)
    return wanted


def _values(text: str) -> list[Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    if isinstance(read, bool | int) or (isinstance(read, float) and math.isfinite(read)):
        return [text, read]
    return [text]
