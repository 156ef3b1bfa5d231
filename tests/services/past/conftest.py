"""An installation in which nothing happened yet, its use cases, and what happens."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from annals.composition.stores import Stores, open_read_models, open_stores
from annals.composition.use_cases import UseCases, use_cases_over
from annals.settings import load_settings
from tests.projections.history import History, open_history


@pytest.fixture
async def stores(dsn: str, tmp_path: Path) -> AsyncIterator[Stores]:
    """With read models that are empty."""
    async with open_stores(load_settings(data=tmp_path), dsn) as opened:
        await open_read_models(opened)
        yield opened


@pytest.fixture
async def history(dsn: str, stores: Stores) -> AsyncIterator[History]:
    """Of its log."""
    async with open_history(dsn, stores.settings.data) as opened:
        yield opened


@pytest.fixture
async def use_cases(stores: Stores) -> AsyncIterator[UseCases]:
    """All of them."""
    async with use_cases_over(stores) as opened:
        yield opened
