"""A change of policy is in force at the next request of every process; who may make it, and what it may be."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from aggregates.cause import RefusedError
from contracts.access import Permission, Role
from eventstore.access_version import AccessVersion
from eventstore.accounts import AccountReader
from eventstore.commands import Commands
from eventstore.pool import open_pool
from eventstore.reader import EventReader
from security.access import FULL_ACCESS
from security.authorization import RbacAuthorizationEngine
from security.principal import Principal
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError
from services.security.administrators import Administrators
from services.security.policies import PolicyService

OURS = Caller("ours", "ada", "test", FULL_ACCESS)
READ, WRITE = (Permission(resource="documents", action=action) for action in ("read", "write"))
CLERK = Principal("cy", "user", "ours", ("clerk",), None, "key-1")


@dataclass
class Identities:
    """What one process has open; nothing is shared with another one but the database."""

    policies: PolicyService
    version: AccessVersion

    async def may(self, principal: Principal, resource: str, action: str) -> bool:
        """As at a request: authentication asks for the version first."""
        await self.version.current()
        access = await self.policies.access_of(principal, None, datetime.now(UTC))
        return access.decide(resource, action).allowed


@contextlib.asynccontextmanager
async def process(dsn: str, commands: Commands) -> AsyncIterator[Identities]:
    pool, version = await open_pool(dsn), AccessVersion(dsn)
    reader = EventReader(pool)
    administrators = Administrators(pool, AccountReader(pool, reader))
    yield Identities(PolicyService(RbacAuthorizationEngine("ours"), commands, reader, version, administrators), version)
    await version.close()
    await pool.close()


@pytest.fixture
async def here(commands: Commands, dsn: str) -> AsyncIterator[Identities]:
    """This process."""
    async with process(dsn, commands) as opened:
        yield opened


@pytest.fixture
async def there(commands: Commands, dsn: str) -> AsyncIterator[Identities]:
    """Another one."""
    async with process(dsn, commands) as opened:
        yield opened


async def change(process: Identities, caller: Caller, *roles: Role, expected: int | None = None) -> int:
    changed = await process.policies.change(
        caller, roles, expected_version=expected, reason=None, correlation_id="c", deadline=Deadline.after(20)
    )
    return changed.version


async def test_a_change_is_in_force_at_the_next_request_everywhere(here: Identities, there: Identities) -> None:
    for process in (here, there):
        assert not await process.may(CLERK, "documents", "read")
    for number, permissions in enumerate(((READ,), (WRITE,), (READ, WRITE), ()), start=1):
        assert await change(here, OURS, Role(name="clerk", permissions=permissions)) == number
        for process in (there, here):
            assert await process.may(CLERK, "documents", "read") is (READ in permissions)
            assert await process.may(CLERK, "documents", "write") is (WRITE in permissions)


async def test_who_asks_while_others_do_is_told_what_is_stored_by_then(here: Identities, there: Identities) -> None:
    for number in range(8):
        wanted = number % 2 == 0
        before = [asyncio.create_task(there.may(CLERK, "documents", "read")) for _ in range(20)]
        await asyncio.sleep(0)  # their query is on its way
        await change(here, OURS, Role(name="clerk", permissions=(READ,) if wanted else ()))
        after = await asyncio.gather(*(there.may(CLERK, "documents", "read") for _ in range(20)))
        assert set(after) == {wanted}
        await asyncio.gather(*before)


async def test_who_gives_up_asking_takes_nobody_with_him(there: Identities) -> None:
    asking = [asyncio.create_task(there.may(CLERK, "documents", "read")) for _ in range(10)]
    await asyncio.sleep(0)
    asking[0].cancel()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError) and results[1:] == [False] * 9


async def test_a_policy_is_of_its_tenant_alone(here: Identities) -> None:
    await change(here, OURS, Role(name="clerk", permissions=(READ,)))
    theirs = Principal("cy", "user", "theirs", ("clerk",), None, "key-2")
    assert not await here.may(theirs, "documents", "read")
    shown = await here.policies.show(Caller("theirs", "bob", "test", FULL_ACCESS), deadline=Deadline.after(20))
    assert (shown.version, shown.own) == (0, ())


async def test_nobody_is_overwritten(here: Identities) -> None:
    assert await change(here, OURS, Role(name="clerk"), expected=0) == 1
    with pytest.raises(RefusedError, match="is at version 1"):
        await change(here, OURS, Role(name="guest"), expected=0)
    assert (await here.policies.show(OURS, deadline=Deadline.after(20))).own == (Role(name="clerk"),)


async def test_only_who_administers_policies_changes_them(here: Identities) -> None:
    for role, reads, changes in (("administrator", True, True), ("auditor", True, False), ("analyst", False, False)):
        principal = Principal("cy", "user", "ours", (role,), None, "key-1")
        caller = Caller("ours", "cy", "http", await here.policies.access_of(principal, None, datetime.now(UTC)))
        for allowed, asked in (
            (reads, lambda caller=caller: here.policies.show(caller, deadline=Deadline.after(20))),
            (changes, lambda caller=caller: change(here, caller, Role(name="clerk"))),
        ):
            if allowed:
                await asked()
            else:
                with pytest.raises(AccessDeniedError, match=f"cy may not .* \\({role}\\)"):
                    await asked()


async def test_no_policy_takes_the_administrators_rights(here: Identities) -> None:
    with pytest.raises(RefusedError, match="built in"):
        await change(here, OURS, Role(name="administrator"))
    await change(here, OURS)
    administrator = Principal("root", "user", "ours", ("administrator",), None, "token")
    assert await here.may(administrator, "policies", "administer")
