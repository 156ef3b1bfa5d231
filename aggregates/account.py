"""The Account of a user or of a program: its roles, and whether it may come in. Its id is its name in the tenant."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aggregates.cause import Cause, RefusedError
from contracts.accounts import (
    AccountCreated,
    AccountDisabled,
    AccountEnabled,
    AccountKind,
    AccountRolesChanged,
)
from contracts.envelope import DomainEvent


@dataclass(frozen=True, slots=True)
class Account:
    """State of one account."""

    id: str
    version: int
    kind: AccountKind
    roles: tuple[str, ...]
    active: bool

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "Account | None" = None) -> "Account | None":
        """The state after `events`, which go on from `state`."""
        for event in events:
            data = event.event_data
            if isinstance(data, AccountCreated):
                state = Account(event.aggregate_id, event.aggregate_version, data.kind, data.roles, active=True)
            elif state is not None:
                state = replace(state, version=event.aggregate_version)
                if isinstance(data, AccountRolesChanged):
                    state = replace(state, roles=data.roles)
                elif isinstance(data, AccountDisabled | AccountEnabled):
                    state = replace(state, active=isinstance(data, AccountEnabled))
        return state


def create(
    state: Account | None, account_id: str, kind: AccountKind, roles: Iterable[str], cause: Cause
) -> tuple[DomainEvent, ...]:
    """A new account, active from now on. Raises RefusedError where the name is taken, by a disabled one too."""
    if state is not None:
        raise RefusedError(f"there is an account {account_id!r} already; take another name, or change that one")
    return (cause.event(AccountCreated(kind=kind, roles=_ordered(roles)), account_id, 1),)


def change_roles(state: Account, roles: Iterable[str], cause: Cause) -> tuple[DomainEvent, ...]:
    """Give the account these roles and no others."""
    wanted = _ordered(roles)
    if wanted == state.roles:
        return ()
    return (cause.event(AccountRolesChanged(previous=state.roles, roles=wanted), state.id, state.version + 1),)


def disable(state: Account, reason: str | None, cause: Cause) -> tuple[DomainEvent, ...]:
    """Refuse the account's credentials from now on."""
    return (cause.event(AccountDisabled(reason=reason), state.id, state.version + 1),) if state.active else ()


def enable(state: Account, reason: str | None, cause: Cause) -> tuple[DomainEvent, ...]:
    """Let the account in again."""
    return () if state.active else (cause.event(AccountEnabled(reason=reason), state.id, state.version + 1),)


def _ordered(roles: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(roles)))
