"""Why somebody may do something, or not: the decision that he would get, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from eventstore.accounts import AccountReader
from security.access import NO_ATTRIBUTES, AccessDecision
from security.principal import Principal
from security.scopes import checked_scopes
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.security.policies import PolicyService


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Somebody wants to do something to a resource, or to a document of one collection.

    `collection` is empty for a document of none and None for the resource as such; `scopes` are the credential's,
    `address` the client's.
    """

    user: str
    resource: str
    action: str
    collection: str | None = None
    scopes: Sequence[str] | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`decision` is the one that the request would get; a disabled account does not get as far as that."""

    user: str
    active: bool
    roles: tuple[str, ...]
    unknown_roles: tuple[str, ...]
    policy_version: int
    decision: AccessDecision


class AccessExplainer:
    """Tries policies out without doing anything."""

    def __init__(self, accounts: AccountReader, policies: PolicyService) -> None:
        self._accounts = accounts
        self._policies = policies

    async def explain(
        self, caller: Caller, request: AccessRequest, *, now: datetime, deadline: Deadline
    ) -> Explanation:
        """The decision on an account of the caller's tenant.

        Raises AccessDeniedError, NotFoundError, WrongScopeError, StoreUnavailableError, DeadlineExceededError.
        """
        caller.require("policies", "read")
        scopes = None if request.scopes is None else checked_scopes(request.scopes)
        async with deadline.enforce("explaining access"):
            account = await self._accounts.find(caller.tenant, request.user)
            if account is None:
                raise NotFoundError(f"there is no account {request.user!r}; `annals users list` shows what there is")
            policy = await self._policies.in_force(caller.tenant)
            principal = Principal(account.id, account.kind, caller.tenant, account.roles, scopes, "explained")
            access = await self._policies.access_of(principal, request.address, now)
        attributes = NO_ATTRIBUTES if request.collection is None else {"collection": request.collection}
        return Explanation(
            user=account.id,
            active=account.active,
            roles=account.roles,
            unknown_roles=tuple(role for role in account.roles if role not in policy.roles),
            policy_version=policy.version,
            decision=access.decide(request.resource, request.action, attributes),
        )
