"""An installation whose webhooks may go to this machine, with short pauses."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from annals.composition import webhooks as composition
from annals.composition.operations import operations_of
from annals.composition.security import open_security
from annals.composition.stores import Stores, open_stores
from annals.composition.webhooks import WebhookParts, open_webhooks
from annals.settings import load_settings
from services.operations.dead_letters import DeadLetterService
from services.security.use_cases import Security
from services.webhooks.delivery import Patience
from tests.services.webhooks.receiver import Receiver, receiving

SHORT = Patience(first_pause_s=0.05, longest_pause_s=0.1, event_s=0.5)


@dataclass
class Here:
    """What one process has open."""

    stores: Stores
    security: Security
    parts: WebhookParts
    letters: DeadLetterService
    data: Path


@contextlib.asynccontextmanager
async def opened(data: Path, dsn: str) -> AsyncIterator[Here]:
    """As the gateway opens it; nothing is sent yet."""
    settings = load_settings(data=data, webhook_private_addresses=True)
    async with open_stores(settings, dsn) as stores, open_security(stores) as security:
        operations = operations_of(stores, None)
        async with open_webhooks(stores, operations, security) as parts:
            yield Here(stores, security, parts, operations.dead_letters, data)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """Of whatever is opened from now on."""
    monkeypatch.setattr(composition, "Patience", lambda event_s: SHORT)
    return replace(SHORT)


@pytest.fixture
async def here(tmp_path: Path, dsn: str, patience: Patience) -> AsyncIterator[Here]:
    """This process."""
    async with opened(tmp_path, dsn) as one:
        yield one


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Of events."""
    async with receiving() as one:
        yield one
