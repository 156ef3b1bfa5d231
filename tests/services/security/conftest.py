"""Accounts, keys and authentication over a fresh database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from eventstore.access_version import AccessVersion
from eventstore.accounts import AccountReader
from eventstore.api_keys import ApiKeys
from eventstore.commands import Commands
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from security.access import FULL_ACCESS
from security.authorization import RbacAuthorizationEngine
from security.principal import Principal
from services.caller import Caller
from services.deadline import Deadline
from services.security.accounts import AccountService
from services.security.administrators import Administrators
from services.security.api_keys import ApiKeyService
from services.security.authentication import AuthenticationService
from services.security.policies import PolicyService
from tests.support.stores import commands, log, pool, reader

__all__ = ["commands", "log", "pool", "reader"]

ROOT = Caller("acme", "root", "test", FULL_ACCESS)


@dataclass
class Identities:
    """What one process has open."""

    accounts: AccountService
    keys: ApiKeyService
    authentication: AuthenticationService
    stored: ApiKeys
    version: AccessVersion
    policies: PolicyService

    async def who(self, key: str, client: str = "192.0.2.1") -> Principal:
        """Who sends this key."""
        return await self.authentication.authenticate(f"Bearer {key}", client, Deadline.after(10))

    async def issued(self, account: str = "ada", **options: object) -> str:
        """A new key of an account, made where there is none."""
        page = await self.accounts.list(ROOT, deadline=Deadline.after(10))
        if account not in {one.id for one in page.accounts}:
            await self.accounts.create(ROOT, account, "user", ["reader"], deadline=Deadline.after(10))
        issued = await self.keys.issue(ROOT, account, "laptop", deadline=Deadline.after(10), **options)  # type: ignore[arg-type]
        return issued.text


def opened(dsn: str, pool: PostgresPool, commands: Commands, reader: EventReader) -> Identities:
    """As a process opens them."""
    stored, accounts, version = ApiKeys(pool), AccountReader(pool, reader), AccessVersion(dsn)
    administrators = Administrators(pool, accounts)
    policies = PolicyService(RbacAuthorizationEngine(home="default"), commands, reader, version, administrators)
    return Identities(
        AccountService(commands, accounts, policies, administrators),
        ApiKeyService(stored, accounts),
        AuthenticationService(version, stored, accounts),
        stored,
        version,
        policies,
    )


@pytest.fixture
async def here(dsn: str, pool: PostgresPool, commands: Commands, reader: EventReader) -> AsyncIterator[Identities]:
    """This process."""
    one = opened(dsn, pool, commands, reader)
    yield one
    await one.version.close()


@pytest.fixture
async def elsewhere(dsn: str, pool: PostgresPool, commands: Commands, reader: EventReader) -> AsyncIterator[Identities]:
    """Another process, with a memory of its own."""
    one = opened(dsn, pool, commands, reader)
    yield one
    await one.version.close()
