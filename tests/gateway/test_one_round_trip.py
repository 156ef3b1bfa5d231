"""A request of somebody who is known costs one round trip: who he is by now, and his limit. Over a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from annals.composition.security import open_security
from annals.composition.stores import open_read_models, open_stores
from annals.settings import load_settings
from gateway.chain.rate_limit import LimitAlong
from gateway.endpoint import ApiEndpointConfig, RateLimit
from gateway.exchange import Exchange
from security.errors import InvalidCredentialError
from security.secrets import parse_secret
from services.deadline import Deadline
from services.security.use_cases import Security
from tests.services.security.conftest import ROOT

LIMITED = ApiEndpointConfig(
    "/api/v1/documents", "GET", "document_list", "documents", "read", rate_limit=RateLimit(5, 3600.0)
)
FORBIDDEN = ApiEndpointConfig("/api/v1/audit", "GET", "audit_reader", "audit", "read", rate_limit=RateLimit(5, 3600.0))


class Process:
    """What one gateway has open. `asked` counts its statements about access and measures."""

    def __init__(self, security: Security, along: LimitAlong, asked: list[int]) -> None:
        self.security, self._along, self.asked = security, along, asked

    async def request(self, token: str, endpoint: ApiEndpointConfig = LIMITED) -> Exchange:
        """As far as authentication and authorization go."""
        exchange = Exchange(endpoint.method, endpoint.path, "192.0.2.1", endpoint, (), "r", "r")
        exchange.principal = await self.security.authentication.authenticate(
            f"Bearer {token}", exchange.client, Deadline.after(10), partial(self._along.ask, exchange)
        )
        await self.security.policies.access_of(exchange.principal, exchange.client, datetime.now(UTC))
        return exchange

    async def token(self, account: str = "ada") -> str:
        """Of a reader."""
        await self.security.accounts.create(ROOT, account, "user", ["reader"], deadline=Deadline.after(10))
        return (await self.security.api_keys.issue(ROOT, account, "k", deadline=Deadline.after(10))).text


@asynccontextmanager
async def process(data: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    async with open_stores(load_settings(data=data), dsn) as stores, open_security(stores) as security:
        await open_read_models(stores)
        asked: list[int] = []
        ask = stores.access_version._ask

        async def counted(questions: object) -> None:
            asked.append(1)
            await ask(questions)  # type: ignore[arg-type]

        monkeypatch.setattr(stores.access_version, "_ask", counted)
        yield Process(security, LimitAlong(stores.read.limits, security.policies), asked)


@pytest.fixture
async def here(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    async with process(tmp_path, dsn, monkeypatch) as opened:
        yield opened


async def test_somebody_known_costs_one(here: Process) -> None:
    token = await here.token()
    first = await here.request(token)
    assert first.grant is None, "nobody knew yet whose limit it is"
    for left in (4, 3, 2):
        here.asked.clear()
        grant = (await here.request(token)).grant
        assert grant is not None and (grant.allowed, grant.remaining) == (True, left)
        assert len(here.asked) == 1


async def test_what_may_not_be_done_is_not_counted(here: Process) -> None:
    token = await here.token()
    for _ in range(3):
        exchange = await here.request(token, FORBIDDEN)
        assert exchange.grant is None


async def test_a_change_of_access_is_seen_at_once_and_takes_nothing(here: Process) -> None:
    token, other = await here.token(), await here.token("bob")
    for one in (token, other):
        await here.request(one)
    key = parse_secret("ann", token)
    assert key is not None
    await here.security.api_keys.revoke(ROOT, key.id, deadline=Deadline.after(10))
    with pytest.raises(InvalidCredentialError):
        await here.request(token)
    assert (await here.request(other)).grant is None, "his access may have changed, too: it was looked up anew"
    grant = (await here.request(other)).grant
    assert grant is not None and grant.remaining == 4
