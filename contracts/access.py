"""Payloads of the Policy aggregate: which roles a tenant has, and what each may do. Its id is `roles`, one a tenant."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from contracts.event_types import EventType
from contracts.payload import Items, Part, Payload, Reason

Resource = Literal[
    "documents",
    "entities",
    "relations",
    "chunks",
    "processing",
    "storage",
    "reasoning",
    "search",
    "projections",
    "events",
    "dead_letters",
    "models",
    "previews",
    "users",
    "keys",
    "policies",
    "audit",
    "webhooks",
    "services",
    "system",
]
Action = Literal["read", "write", "delete", "execute", "administer"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

RoleName = Annotated[str, Field(max_length=63, pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Collection = Annotated[
    str,
    Field(max_length=64, pattern=r"^[^\x00-\x1f]+$", description="the value of a document's attribute `collection`"),
]
MaskedField = Annotated[
    str,
    Field(
        max_length=75,
        pattern=r"^(title|uri|text|attributes|attributes\.[^\x00-\x1f]+)$",
        description="a field of a document, or one of its attributes by name",
    ),
]
Network = Annotated[str, Field(max_length=49, pattern=r"^[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?$", description="10.0.0.0/8")]
Zone = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$", description="as UTC")]
ROLES_ID = "roles"
"""Id of the one policy of a tenant."""


def collection_of(attributes: Mapping[str, Any]) -> str:
    """The collection that a document with these attributes is of; "" where it is of none, as where it is no text."""
    collection = attributes.get("collection")
    return collection if isinstance(collection, str) else ""


class Hours(Part):
    """From `start` until before `end` on these days, by the clock of `zone`."""

    days: Annotated[Items[Day], Field(min_length=1, max_length=7)] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    start: Annotated[str, Field(max_length=5, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "00:00"
    end: Annotated[str, Field(max_length=5, pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")] = "24:00"
    zone: Zone = "UTC"


class Permission(Part):
    """What may be done to what; `*` is any. Each constraint that is given must hold; an empty one is none.

    `collections`: only documents of these, and what rests on them. `masked_fields` are taken out of what is read.
    `hours`: within one of them. `networks`: from an address in one of them.
    """

    resource: Resource | Literal["*"]
    action: Action | Literal["*"]
    collections: Annotated[Items[Collection], Field(max_length=32)] = ()
    masked_fields: Annotated[Items[MaskedField], Field(max_length=16)] = ()
    hours: Annotated[Items[Hours], Field(max_length=4)] = ()
    networks: Annotated[Items[Network], Field(max_length=16)] = ()


class Role(Part):
    """Its own permissions, and those of the roles that it inherits."""

    name: RoleName
    description: Reason = ""
    inherits: Annotated[Items[RoleName], Field(max_length=16)] = ()
    permissions: Annotated[Items[Permission], Field(max_length=24)] = ()


class RoleDefined(Payload):
    """The tenant has this role from now on, beside those that are built in."""

    event_type: ClassVar[EventType] = EventType.ROLE_DEFINED
    role: Role
    reason: Reason | None = None


class RoleRemoved(Payload):
    """The tenant has this role no more; who had it has nothing from it."""

    event_type: ClassVar[EventType] = EventType.ROLE_REMOVED
    name: RoleName
    reason: Reason | None = None
