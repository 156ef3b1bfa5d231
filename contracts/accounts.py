"""Payloads of the Account aggregate: who may come in, and in which roles. No event holds a secret or its hash."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from contracts.event_types import EventType
from contracts.payload import Items, Payload, Reason

AccountKind = Literal["user", "service"]
AccountId = Annotated[
    str,
    Field(
        max_length=128,
        pattern=r"^[a-z0-9][a-z0-9._@+-]{0,127}$",
        description="ASCII in lower case, so that no two look the same",
    ),
]
RoleName = Annotated[str, Field(max_length=64, pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Roles = Annotated[Items[RoleName], Field(max_length=64)]


class AccountCreated(Payload):
    """Somebody, or a program, got an account in the event's tenant."""

    event_type: ClassVar[EventType] = EventType.ACCOUNT_CREATED
    kind: AccountKind
    roles: Roles


class AccountRolesChanged(Payload):
    """The account has these roles from now on, and no others."""

    event_type: ClassVar[EventType] = EventType.ACCOUNT_ROLES_CHANGED
    previous: Roles
    roles: Roles


class AccountDisabled(Payload):
    """Nobody comes in with the account's credentials any more, until it is enabled again."""

    event_type: ClassVar[EventType] = EventType.ACCOUNT_DISABLED
    reason: Reason | None = None


class AccountEnabled(Payload):
    """The account's credentials count again."""

    event_type: ClassVar[EventType] = EventType.ACCOUNT_ENABLED
    reason: Reason | None = None
