"""A tenant that has an administrator keeps one; nobody gives away more than he has."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from aggregates.cause import RefusedError
from contracts.access import Hours, Permission, Role
from security.principal import Principal
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError
from tests.services.security.conftest import ROOT, Identities

CHIEF = Role(name="chief", inherits=("administrator",))
OFFICE = Role(
    name="office",
    permissions=(Permission(resource="*", action="*", hours=(Hours(start="09:00", end="17:00"),)),),
)


def soon() -> Deadline:
    return Deadline.after(20)


async def made(here: Identities, **accounts: str) -> None:
    """These accounts, each with one role, of a tenant with roles of its own."""
    await set_roles(here, CHIEF, OFFICE)
    for name, role in accounts.items():
        await here.accounts.create(ROOT, name, "user", [role], deadline=soon())


async def set_roles(here: Identities, *roles: Role) -> None:
    await here.policies.change(
        ROOT, roles, expected_version=None, reason=None, correlation_id="c", deadline=soon()
    )  # fmt: skip


async def caller_with(here: Identities, role: str, scopes: tuple[str, ...] | None = None) -> Caller:
    principal = Principal("gil", "user", "acme", (role,), scopes, "key:1")
    return Caller("acme", "gil", "http", await here.policies.access_of(principal, None, datetime.now(UTC)))


LOCKING_OUT: dict[str, Callable[[Identities], Awaitable[object]]] = {
    "disable": lambda here: here.accounts.disable(ROOT, "ada", None, deadline=soon()),
    "other role": lambda here: here.accounts.change_roles(ROOT, "ada", ["reader"], deadline=soon()),
    "at times only": lambda here: here.accounts.change_roles(ROOT, "ada", ["office"], deadline=soon()),
    "no roles": lambda here: here.accounts.change_roles(ROOT, "ada", [], deadline=soon()),
    "role removed": lambda here: set_roles(here, OFFICE),
    "role emptied": lambda here: set_roles(here, Role(name="chief"), OFFICE),
}


@pytest.mark.parametrize("change", LOCKING_OUT.values(), ids=LOCKING_OUT)
async def test_the_last_administrator_stays(
    here: Identities, change: Callable[[Identities], Awaitable[object]]
) -> None:
    await made(here, ada="chief", bob="reader", eve="office", old="administrator")
    await here.accounts.disable(ROOT, "old", None, deadline=soon())
    with pytest.raises(RefusedError, match="nobody would administer the tenant acme"):
        await change(here)
    await here.accounts.create(ROOT, "zoe", "user", ["administrator"], deadline=soon())
    await change(here)


async def test_two_administrators_do_not_remove_each_other(here: Identities, elsewhere: Identities) -> None:
    await made(here, ada="administrator", bob="administrator")
    results = await asyncio.gather(
        here.accounts.disable(ROOT, "ada", None, deadline=soon()),
        elsewhere.accounts.change_roles(ROOT, "bob", ["reader"], deadline=soon()),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Account", "RefusedError"]


async def test_however_many_change_accounts_at_once_each_has_his_turn(here: Identities) -> None:
    """More of them than there are connections, of which whoever has the turn needs another one."""
    await made(here, ada="administrator")
    many = [f"reader-{number}" for number in range(3 * here.pool.get_max_size())]
    for one in many:
        await here.accounts.create(ROOT, one, "user", ["reader"], deadline=soon())
    found = await asyncio.gather(*(here.accounts.disable(ROOT, one, None, deadline=soon()) for one in many))
    assert [(account.id, account.active) for account in found] == [(one, False) for one in many]


async def test_a_tenant_without_administrator_may_stay_so(here: Identities) -> None:
    await made(here, bob="reader")
    await here.accounts.disable(ROOT, "bob", None, deadline=soon())
    await set_roles(here)


async def test_administrators_of_others_do_not_count(here: Identities) -> None:
    await made(here, ada="administrator")
    other = Caller("other", "root", "test", ROOT.access)
    await here.accounts.create(other, "zoe", "user", ["administrator"], deadline=soon())
    with pytest.raises(RefusedError, match="nobody would administer"):
        await here.accounts.disable(ROOT, "ada", None, deadline=soon())


async def test_an_unknown_role_is_refused(here: Identities) -> None:
    for roles in (["ghost"], ["reader", "ghost"]):
        with pytest.raises(InvalidRequestError, match="there is no role ghost"):
            await here.accounts.create(ROOT, "ada", "user", roles, deadline=soon())


async def test_nobody_gives_away_more_than_he_has(here: Identities) -> None:
    await made(here, ada="administrator", bob="reader")
    clerk = Role(
        name="clerk",
        inherits=("reader",),
        permissions=(Permission(resource="users", action="administer"), Permission(resource="keys", action="*")),
    )
    await set_roles(here, CHIEF, OFFICE, clerk)
    gil = await caller_with(here, "clerk")
    await here.accounts.create(gil, "cy", "user", ["reader"], deadline=soon())
    await here.keys.issue(gil, "cy", "laptop", deadline=soon())
    for attempt in (
        lambda: here.accounts.create(gil, "me", "user", ["administrator"], deadline=soon()),
        lambda: here.accounts.change_roles(gil, "bob", ["reader", "producer"], deadline=soon()),
        lambda: here.accounts.change_roles(gil, "ada", ["reader"], deadline=soon()),
        lambda: here.accounts.disable(gil, "ada", None, deadline=soon()),
        lambda: here.keys.issue(gil, "ada", "mine", deadline=soon()),
        lambda: here.keys.reissue(gil, "ada", "mine", lifetime=None, deadline=soon()),
    ):
        with pytest.raises(AccessDeniedError, match="cannot give what he does not have"):
            await attempt()
    assert (await here.accounts.get(ROOT, "ada", deadline=soon())).roles == ("administrator",)


async def test_a_narrowed_credential_makes_no_wider_key(here: Identities) -> None:
    await made(here, ada="administrator")
    gil = await caller_with(here, "administrator", ("keys:*", "documents:read"))
    await here.keys.issue(gil, "ada", "reading", scopes=["documents:read"], deadline=soon())
    for scopes in (None, ["documents:*"], ["*:read"]):
        with pytest.raises(AccessDeniedError, match="cannot give"):
            await here.keys.issue(gil, "ada", "more", scopes=scopes, deadline=soon())
