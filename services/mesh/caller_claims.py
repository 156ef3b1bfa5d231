"""The caller of a use case inside a service's token, and back: a service is told who calls by what is signed alone."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import TypeAdapter, ValidationError

from security.access import FULL_ACCESS, Access
from security.principal import Principal
from security.service_tokens import ServiceTokenError
from services.caller import Caller


@dataclass(frozen=True, slots=True)
class AccessInputs:
    """What decisions are made from: who asks, and from which address. Policies are read where it is decided."""

    principal: Principal
    address: str | None = None


@runtime_checkable
class DerivedAccess(Protocol):
    """An `Access` that tells what it decides from."""

    @property
    def principal(self) -> Principal:
        """Who asks."""
        ...

    @property
    def address(self) -> str | None:
        """Where the request comes from."""
        ...


AccessOf = Callable[[AccessInputs], Awaitable[Access]]


@dataclass(frozen=True, slots=True)
class _Claims:
    tenant: str
    actor: str
    source: str
    correlation_id: str | None
    access: AccessInputs | None
    """None: full access, as processes have that hold the database's password."""


_CLAIMS: TypeAdapter[_Claims] = TypeAdapter(_Claims)


def claims_of(caller: Caller) -> dict[str, Any]:
    """As the claim `caller`. An access that cannot tell what it decides from cannot be carried: TypeError."""
    if caller.access is FULL_ACCESS:
        access = None
    elif isinstance(caller.access, DerivedAccess):
        access = AccessInputs(caller.access.principal, caller.access.address)
    else:
        raise TypeError(f"{type(caller.access).__name__} does not tell what it decides from")
    claims = _Claims(caller.tenant, caller.actor, caller.source, caller.correlation_id, access)
    return {"caller": asdict(claims)}


async def caller_of(claims: Mapping[str, Any], access_of: AccessOf) -> Caller:
    """Raises ServiceTokenError where the claims name none, or a principal of another tenant than the caller's."""
    try:
        read = _CLAIMS.validate_python(claims.get("caller"))
    except ValidationError as error:
        raise ServiceTokenError from error
    if read.access is None:
        access: Access = FULL_ACCESS
    elif read.access.principal.tenant != read.tenant:
        raise ServiceTokenError
    else:
        access = await access_of(read.access)
    return Caller(read.tenant, read.actor, read.source, access, read.correlation_id)
