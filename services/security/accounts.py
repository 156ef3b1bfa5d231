"""Accounts of users and of programs: made, looked at, changed."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from aggregates import account as decisions
from aggregates.account import Account
from aggregates.cause import Cause
from contracts.accounts import AccountId, AccountKind, Roles
from contracts.codec import plain
from contracts.envelope import DomainEvent
from eventstore.accounts import AccountReader, account_key
from eventstore.commands import Command, Commands
from security.audit import AuditLog
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.security.administrators import Administrators, administers
from services.security.auditing import audited
from services.security.policies import PolicyService

MAX_PAGE = 1000

_ID: TypeAdapter[str] = TypeAdapter(AccountId)
_ROLES: TypeAdapter[tuple[str, ...]] = TypeAdapter(Roles)


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Accounts by their ids. `next` is given to get those behind them; None where there are no more."""

    accounts: tuple[Account, ...]
    next: str | None


class AccountService:
    """Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.

    Nobody gives roles that hold more than he has himself, or changes an account that has more. The last active
    administrator of a tenant stays one: RefusedError.
    """

    def __init__(
        self,
        commands: Commands,
        accounts: AccountReader,
        policies: PolicyService,
        administrators: Administrators,
        audit: AuditLog,
    ) -> None:
        self._commands = commands
        self._accounts = accounts
        self._policies = policies
        self._administrators = administrators
        self._audit = audit

    async def create(
        self, caller: Caller, account_id: str, kind: AccountKind, roles: Collection[str], *, deadline: Deadline
    ) -> Account:
        """A new account of the caller's tenant. Raises RefusedError where the name is taken, InvalidRequestError."""
        async with audited(self._audit, caller, "administration", "create", "users", account_id):
            caller.require("users", "administer", {"account": account_id})
            name, wanted, cause = _checked(account_id), await self._givable(caller, roles), _cause(caller)
            return await self._decide(
                caller, name, lambda state: decisions.create(state, name, kind, wanted, cause), "creating", deadline
            )

    async def change_roles(
        self, caller: Caller, account_id: str, roles: Collection[str], *, deadline: Deadline
    ) -> Account:
        """These roles and no others. Raises NotFoundError, InvalidRequestError."""
        async with audited(self._audit, caller, "administration", "change roles", "users", account_id):
            caller.require("users", "administer", {"account": account_id})
            wanted, cause = await self._givable(caller, roles), _cause(caller)
            return await self._change(
                caller,
                account_id,
                lambda state: decisions.change_roles(state, wanted, cause),
                lambda account: replace(account, roles=wanted),
                deadline,
            )

    async def disable(self, caller: Caller, account_id: str, reason: str | None, *, deadline: Deadline) -> Account:
        """Refuse the account's credentials from the next request on. Raises NotFoundError."""
        async with audited(self._audit, caller, "administration", "disable", "users", account_id):
            caller.require("users", "administer", {"account": account_id})
            cause = _cause(caller)
            return await self._change(
                caller,
                account_id,
                lambda state: decisions.disable(state, reason, cause),
                lambda account: replace(account, active=False),
                deadline,
            )

    async def enable(self, caller: Caller, account_id: str, reason: str | None, *, deadline: Deadline) -> Account:
        """Let the account in again. Raises NotFoundError."""
        async with audited(self._audit, caller, "administration", "enable", "users", account_id):
            caller.require("users", "administer", {"account": account_id})
            cause = _cause(caller)
            return await self._change(
                caller,
                account_id,
                lambda state: decisions.enable(state, reason, cause),
                lambda account: replace(account, active=True),
                deadline,
            )

    async def get(self, caller: Caller, account_id: str, *, deadline: Deadline) -> Account:
        """One account of the caller's tenant. Raises NotFoundError."""
        caller.require("users", "read", {"account": account_id})
        async with deadline.enforce("reading an account"):
            return _existing(await self._accounts.find(caller.tenant, account_id), account_id)

    async def list(self, caller: Caller, *, after: str = "", limit: int = 100, deadline: Deadline) -> AccountPage:
        """Accounts of the caller's tenant whose ids are behind `after`; at most `limit`, and at most MAX_PAGE."""
        caller.require("users", "read")
        count = max(1, min(limit, MAX_PAGE))
        async with deadline.enforce("listing accounts"):
            found = await self._accounts.of_tenant(caller.tenant, after, count + 1)
        more = len(found) > count
        return AccountPage(tuple(found[:count]), found[count - 1].id if more else None)

    async def _givable(self, caller: Caller, roles: Collection[str]) -> tuple[str, ...]:
        """Raises InvalidRequestError for an unknown role, AccessDeniedError for one with more than the caller has."""
        wanted, known = _checked_roles(roles), (await self._policies.in_force(caller.tenant)).roles
        for role in wanted:
            if role not in known:
                raise InvalidRequestError(f"there is no role {role}; `annals access roles` shows what there is")
        caller.require_to_give(wanted)
        return wanted

    async def _change(
        self,
        caller: Caller,
        account_id: str,
        decide: Callable[[Account], tuple[DomainEvent, ...]],
        changed: Callable[[Account], Account],
        deadline: Deadline,
    ) -> Account:
        """`changed` gives the account as it will be, for the check that an administrator stays."""
        async with deadline.enforce("changing an account"), self._administrators.turn(caller.tenant):
            account = _existing(await self._accounts.find(caller.tenant, account_id), account_id)
            caller.require_to_give(account.roles)
            policy = await self._policies.in_force(caller.tenant)
            if administers(account, policy) and not administers(changed(account), policy):
                await self._administrators.check_one_stays(caller.tenant, policy, policy, without=account_id)
            return await self._decide(
                caller, account_id, lambda state: decide(_existing(state, account_id)), "changing", deadline
            )

    async def _decide(
        self,
        caller: Caller,
        account_id: str,
        decide: Callable[[Account | None], tuple[DomainEvent, ...]],
        doing: str,
        deadline: Deadline,
    ) -> Account:
        async with deadline.enforce(f"{doing} an account"):
            key = account_key(caller.tenant, account_id)
            await self._commands.execute(Command(key, Account.project, decide))
            return _existing(await self._accounts.find(caller.tenant, account_id), account_id)


def _existing(state: Account | None, account_id: str) -> Account:
    if state is None:
        raise NotFoundError(f"there is no account {account_id!r}; `annals users list` shows what there is")
    return state


def _checked(account_id: str) -> str:
    try:
        return _ID.validate_python(account_id)
    except ValidationError:
        raise InvalidRequestError(
            f"{account_id[:128]!r} cannot be an account's name; "
            "take up to 128 of a-z, 0-9 and . _ @ + -, a letter or digit first"
        ) from None


def _checked_roles(roles: Iterable[str]) -> tuple[str, ...]:
    try:
        return _ROLES.validate_python(sorted(set(roles)))
    except ValidationError as error:
        raise InvalidRequestError(f"these cannot be roles: {plain(error)}; see: annals access") from None


def _cause(caller: Caller) -> Cause:
    return caller.cause(f"account-{uuid4()}")
