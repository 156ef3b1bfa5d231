"""The base of every payload, and the field types they share."""

from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.event_types import EventType

Item = TypeVar("Item")

Identifier = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f]+$")]
Name = Annotated[str, Field(min_length=1, max_length=1024)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="sha256 of UTF-8 text, in hexadecimal")]
Revision = Annotated[str, Field(min_length=1, max_length=256, description="name and content of a model")]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
Offset = Annotated[int, Field(ge=0, description="characters (code points) from the start of the text")]
# JSON knows no tuple: a list is taken here, and only here, for one.
Items = Annotated[tuple[Item, ...], Field(strict=False)]
Scalar = str | int | float | bool | None
Attributes = dict[Annotated[str, Field(min_length=1, max_length=128)], Scalar]


class Part(BaseModel):
    """A piece of a payload: strict, frozen, and nothing unknown."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Payload(Part):
    """What an event says. Each concrete payload names its event type and the version of its shape."""

    event_type: ClassVar[EventType]
    schema_version: ClassVar[int] = 1
