"""A hub on loopback for each test, and clients that lose no time waiting for it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.external.client import ExternalSystemClient
from inference.external.settings import ClientSettings
from tests.inference.external.hub_server import Hub, serving

Connect = Callable[..., ExternalSystemClient]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub without models."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture
async def connect(hub: Hub, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Clients of the hub, with changed settings where a test needs them. Each test counts under its own system."""
    plain = ClientSettings(
        system=request.node.name,
        base_url=hub.url,
        cache_folder=tmp_path / "cache",
        token_name="HF_TOKEN",
        rate=1000.0,
        first_wait_s=0.01,
        most_wait_s=0.02,
    )
    async with AsyncExitStack() as stack:

        def make(token: str | None = None, **changed: Any) -> ExternalSystemClient:
            client = ExternalSystemClient(replace(plain, **changed), token)
            stack.push_async_exit(client)
            return client

        yield make
