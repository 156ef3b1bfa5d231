"""The policy of a tenant: in force at the next request of every process, shown, changed, and explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aggregates import policy as policies
from aggregates.cause import Cause
from contracts.access import ROLES_ID, Role
from eventstore.access_version import AccessVersion, Version
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from security.access import Access
from security.authorization import RbacAccess, RbacAuthorizationEngine
from security.principal import Principal
from security.roles import BUILT_IN, Policy
from services.caller import Caller
from services.deadline import Deadline
from services.security.administrators import Administrators


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A tenant's roles: those that are built in, and its own at `version` (0 where it has none)."""

    version: int
    own: tuple[Role, ...]
    built_in: tuple[Role, ...]


class PolicyService:
    """Policies are events; the engine holds what is in force. Every method raises StoreUnavailableError."""

    def __init__(
        self,
        engine: RbacAuthorizationEngine,
        commands: Commands,
        reader: EventReader,
        version: AccessVersion,
        administrators: Administrators,
    ) -> None:
        self._engine = engine
        self._commands = commands
        self._reader = reader
        self._version = version
        self._administrators = administrators
        self._known_at: dict[str, Version] = {}

    async def access_of(self, principal: Principal, address: str | None, now: datetime) -> RbacAccess:
        """What a principal that was just authenticated may do now, from this address.

        Authentication asked which version of access is stored; nothing is asked again unless that is news.
        """
        await self._refresh(principal.tenant, self._version.latest or await self._version.current())
        return self._engine.access_of(principal, address, now)

    def access_at(self, principal: Principal, address: str | None, now: datetime, version: Version) -> Access | None:
        """What he may do as of this version of access; None where that is not in memory."""
        if self._known_at.get(principal.tenant) != version:
            return None
        return self._engine.access_of(principal, address, now)

    async def in_force(self, tenant: str) -> Policy:
        """The tenant's policy as it is stored now."""
        await self._refresh(tenant, await self._version.current())
        return self._engine.policy(tenant)

    async def access_of_the_vouched_for(self, principal: Principal, address: str | None) -> RbacAccess:
        """The same for one whom another process authenticated: here nobody asked yet which version is stored."""
        await self._refresh(principal.tenant, await self._version.current())
        return self._engine.access_of(principal, address, datetime.now(UTC))

    async def show(self, caller: Caller, *, deadline: Deadline) -> PolicyView:
        """The tenant's roles. Raises AccessDeniedError, DeadlineExceededError."""
        caller.require("policies", "read")
        async with deadline.enforce("reading the policy"):
            policy = await self.in_force(caller.tenant)
        return PolicyView(policy.version, policy.own, tuple(BUILT_IN.values()))

    async def change(
        self,
        caller: Caller,
        roles: Sequence[Role],
        *,
        expected_version: int | None,
        reason: str | None,
        correlation_id: str,
        deadline: Deadline,
    ) -> PolicyView:
        """Have these be the tenant's own roles. Who may do this may give himself any right within the tenant.

        Raises AccessDeniedError, RefusedError with what is unsound or where nobody would administer the tenant any
        more, ConflictError, DeadlineExceededError.
        """
        caller.require("policies", "administer")
        cause = Cause(caller.metadata, correlation_id)
        command = Command(
            AggregateKey(caller.tenant, "policy", ROLES_ID),
            policies.Policy.project,
            lambda state: policies.change(
                state, roles, cause, built_in=BUILT_IN, expected_version=expected_version, reason=reason
            ),
        )
        async with deadline.enforce("changing the policy"), self._administrators.turn(caller.tenant):
            before = await self.in_force(caller.tenant)
            await self._administrators.check_one_stays(caller.tenant, before, Policy(before.version, tuple(roles)))
            await self._commands.execute(command)
            policy = await self.in_force(caller.tenant)
        return PolicyView(policy.version, policy.own, tuple(BUILT_IN.values()))

    async def _refresh(self, tenant: str, version: Version) -> None:
        if self._known_at.get(tenant) == version:
            return
        key = AggregateKey(tenant, "policy", ROLES_ID)
        state = policies.Policy.project((await self._reader.of_aggregates([key])).get(key, ()))
        # Versions only grow: one that is higher here was read by somebody who asked later.
        if state is not None and state.version > self._engine.policy(tenant).version:
            self._engine.use(tenant, Policy(state.version, tuple(state.roles.values())))
        self._known_at[tenant] = version
