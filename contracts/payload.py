"""The base of every payload, and the field types they share."""

import math
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from contracts.event_types import EventType

Item = TypeVar("Item")

ID_BYTES = 1024
"""Two ids and a tenant fit into one key of a PostgreSQL index, which holds about 2,700 bytes."""


def storable(value: object) -> object:
    """`value` as it is, unless it is text that PostgreSQL cannot keep or UTF-8 cannot spell.

    Raises ValueError for a NUL character and for half a surrogate pair, naming where it is.
    """
    if not isinstance(value, str):
        return value
    index = value.find("\x00")
    if index >= 0:
        raise ValueError(f"holds a NUL character at {index}; send text, not binary data")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"holds half a surrogate pair at {error.start}; send text that is Unicode") from None
    return value


def _short(value: str) -> str:
    size = len(value.encode())
    if size > ID_BYTES:
        raise ValueError(f"takes {size} bytes of UTF-8; an id has at most {ID_BYTES}")
    return value


def _portable(value: object) -> object:
    """Checked before the union of types, of which each would say that the value is not of its own.

    A larger number would pass as a float, or come back from another reader as another number.
    """
    if value is not None and not isinstance(value, str | int | float):
        raise ValueError("is a list or an object; an attribute is a text, a number, true, false or null")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("is no finite number, which JSON cannot hold; leave it out or send null")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("is a whole number of more than 64 bits; send it as text")
    return storable(value)


# Bounds stand before the validators: pydantic then checks them itself, many times faster than behind a function.
_NO_NUL = Field(json_schema_extra={"pattern": r"^[^\x00]*$"})
_STORABLE = BeforeValidator(storable)

Text = Annotated[str, _NO_NUL, _STORABLE]
"""Any text. Every string of a payload is one of these, or is held to a pattern that leaves out NUL."""
Name = Annotated[str, Field(min_length=1, max_length=1024), _NO_NUL, _STORABLE]
Title = Annotated[str, Field(max_length=1024), _NO_NUL, _STORABLE]
Uri = Annotated[str, Field(max_length=4096), _NO_NUL, _STORABLE]
Reason = Annotated[str, Field(max_length=1024), _NO_NUL, _STORABLE]
Question = Annotated[str, Field(min_length=1, max_length=4096), _NO_NUL, _STORABLE]
GenerationName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="The name of a generation of the past.")
]
Date = Annotated[
    str,
    Field(
        pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$",
        description="of ISO 8601, as exact as it is known: 1998, 1998-05, 1998-05-27",
    ),
]
Words = Annotated[str, Field(min_length=1, max_length=256), _NO_NUL, _STORABLE]
Predicate = Annotated[str, Field(min_length=1, max_length=256), _NO_NUL, _STORABLE]
EntityKind = Annotated[str, Field(min_length=1, max_length=64), _NO_NUL, _STORABLE]
Party = Annotated[str, Field(min_length=1, max_length=256), _NO_NUL, _STORABLE]
Identifier = Annotated[
    str,
    Field(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f]+$", description="at most 1024 bytes of UTF-8"),
    AfterValidator(_short),
]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="sha256 of UTF-8 text, in hexadecimal")]
Revision = Annotated[
    str, Field(min_length=1, max_length=256, description="name and content of a model"), _NO_NUL, _STORABLE
]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
# No larger than an integer of PostgreSQL, where the read models keep them.
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Offset = Annotated[int, Field(ge=0, le=2**31 - 1, description="characters (code points) from the start of the text")]
# JSON knows no tuple: a list is taken here, and only here, for one.
Items = Annotated[tuple[Item, ...], Field(strict=False)]
Scalar = str | int | float | bool | None
Attributes = dict[
    Annotated[str, Field(min_length=1, max_length=128), _STORABLE], Annotated[Scalar, BeforeValidator(_portable)]
]


class Part(BaseModel):
    """A piece of a payload: strict, frozen, and nothing unknown."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class ManyPart(Part):
    """A part that a payload may hold by the million. Every field is required.

    All instances of a class share one set of field names, which otherwise is most of what each would hold: a mention
    takes 450 bytes instead of 1,300.
    """

    def model_post_init(self, context: Any, /) -> None:
        """Share it."""
        object.__setattr__(self, "__pydantic_fields_set__", fields_set(type(self)))


@cache
def fields_set(model: type[BaseModel]) -> set[str]:
    """Names of a model's fields, the same object each time."""
    return set(model.model_fields)


class Payload(Part):
    """What an event says. Each concrete payload names its event type and its schema version."""

    event_type: ClassVar[EventType]
    schema_version: ClassVar[int] = 1
