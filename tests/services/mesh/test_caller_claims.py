"""The caller travels inside the signed token, and a service decides anew what he may do."""

from dataclasses import dataclass

import pytest

from security.access import FULL_ACCESS, Access, FullAccess
from security.principal import Principal
from security.service_tokens import ServiceTokenError
from services.caller import Caller
from services.mesh.caller_claims import AccessInputs, caller_of, claims_of

ADA = Principal("ada", "user", "ours", ("reader",), ("documents:read",), "token-1")


@dataclass(frozen=True)
class Derived(FullAccess):
    """An access that tells what it decides from."""

    principal: Principal
    address: str | None = None


async def derived(inputs: AccessInputs) -> Access:
    return Derived(inputs.principal, inputs.address)


@pytest.mark.parametrize("access", [FULL_ACCESS, Derived(ADA), Derived(ADA, "10.0.0.1")])
@pytest.mark.parametrize("correlation_id", [None, "request-1"])
async def test_a_caller_comes_out_as_he_went_in(access: Access, correlation_id: str | None) -> None:
    caller = Caller("ours", "ada", "http", access, correlation_id)
    assert await caller_of(claims_of(caller), derived) == caller


def test_an_access_that_tells_nothing_is_not_carried() -> None:
    with pytest.raises(TypeError, match="does not tell"):
        claims_of(Caller("ours", "ada", "http", FullAccess()))


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"caller": "ada"},
        {"caller": {"tenant": "ours", "actor": "ada", "source": "http", "correlation_id": None}},
        {"caller": {"tenant": "ours", "actor": "ada", "source": "http", "correlation_id": None, "access": {}}},
        claims_of(Caller("theirs", "ada", "http", Derived(ADA))),
    ],
)
async def test_claims_that_name_no_caller_are_refused(claims: dict[str, object]) -> None:
    with pytest.raises(ServiceTokenError):
        await caller_of(claims, derived)
