"""The queries that need several databases, in the servers profile."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from annals.composition.stores import Stores, open_read_models
from tests.annals.layer_contract import DatabaseIntegrationLayerContract
from tests.servers.profile import services_of


class TestLayer(DatabaseIntegrationLayerContract):
    @pytest.fixture
    async def services(self, dsn: str, tmp_path: Path, empty_env: dict[str, str]) -> AsyncIterator[Stores]:
        async with services_of(tmp_path, dsn, empty_env) as opened:
            await open_read_models(opened)
            yield opened
