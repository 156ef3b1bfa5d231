"""Requests are plain dataclasses whose fields say their own bounds; here they are held to them."""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from services.errors import InvalidRequestError


def check(request: Any) -> None:
    """Raises InvalidRequestError, which names the field and the rule, never the value."""
    kind: Any = type(request)
    for name, field in _fields(kind).items():
        try:
            field.validate_python(getattr(request, name), strict=True)
        except ValidationError as error:
            raise InvalidRequestError(in_words(error, name)) from None


def in_words(error: ValidationError, *within: str) -> str:
    """The first fault, in one line."""
    fault = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in (*within, *fault["loc"])) or "request"
    said = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {said[:1].lower()}{said[1:]}; send it as the API's description says"


@cache
def _fields(kind: Any) -> Mapping[str, TypeAdapter[Any]]:
    return {name: TypeAdapter(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}
