"""Accounts, keys and authentication over a fresh database."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from annals.composition.security import open_security
from annals.composition.stores import open_stores
from annals.settings import load_settings
from eventstore.pool import PostgresPool
from security.access import FULL_ACCESS
from security.principal import Principal
from services.caller import Caller
from services.deadline import Deadline
from services.security.accounts import AccountService
from services.security.api_keys import ApiKeyService
from services.security.guarded_authentication import Authentication
from services.security.policies import PolicyService
from services.security.use_cases import Security
from tests.support.stores import commands, log, pool, reader

__all__ = ["commands", "log", "pool", "reader"]

ROOT = Caller("acme", "root", "test", FULL_ACCESS)


@dataclass
class Identities:
    """What one process has open."""

    opened: Security
    pool: PostgresPool

    @property
    def accounts(self) -> AccountService:
        """Users and programs."""
        return self.opened.accounts

    @property
    def keys(self) -> ApiKeyService:
        """API keys."""
        return self.opened.api_keys

    @property
    def authentication(self) -> Authentication:
        """Who asks."""
        return self.opened.authentication

    @property
    def policies(self) -> PolicyService:
        """Roles and what they allow."""
        return self.opened.policies

    async def who(self, credential: str, client: str = "192.0.2.1") -> Principal:
        """Who sends this credential."""
        return await self.authentication.authenticate(f"Bearer {credential}", client, Deadline.after(10))

    async def account(self, account: str = "ada") -> None:
        """Have a user of this name."""
        page = await self.accounts.list(ROOT, deadline=Deadline.after(10))
        if account not in {one.id for one in page.accounts}:
            await self.accounts.create(ROOT, account, "user", ["reader"], deadline=Deadline.after(10))

    async def issued(self, account: str = "ada", **options: Any) -> str:
        """A new key of an account, made where there is none."""
        await self.account(account)
        issued = await self.keys.issue(ROOT, account, "laptop", deadline=Deadline.after(10), **options)
        return issued.text


@contextlib.asynccontextmanager
async def opened(data: Path, dsn: str) -> AsyncIterator[Identities]:
    """As a process opens them. All processes of a test have the same master key."""
    settings = load_settings(data=data)
    async with open_stores(settings, dsn) as stores, open_security(stores) as security:
        yield Identities(security, stores.pool)


@pytest.fixture
async def here(tmp_path: Path, dsn: str) -> AsyncIterator[Identities]:
    """This process."""
    async with opened(tmp_path, dsn) as one:
        yield one


@pytest.fixture
async def elsewhere(tmp_path: Path, dsn: str, here: Identities) -> AsyncIterator[Identities]:
    """Another process, with a memory of its own."""
    async with opened(tmp_path, dsn) as one:
        yield one
