"""The relational read model in PostgreSQL answers as it must."""

import pytest

from projections.postgres.live import LivePostgresStore
from projections.projector import Projector
from projections.relational.model import LAYOUT, RelationalModel
from projections.relational.postgres import PostgresRelational
from projections.relational.reads import RelationalReader
from tests.projections.contract.relational import RelationalReaderContract
from tests.projections.history import History


class TestRelationalReader(RelationalReaderContract):
    @pytest.fixture
    async def projector(self, history: History) -> Projector:
        store = LivePostgresStore(history.pool, LAYOUT)
        await store.open()
        return Projector(RelationalModel(), store, history.reader)

    @pytest.fixture
    def rows(self, history: History) -> RelationalReader:
        return PostgresRelational(history.pool)
