"""What a replay leaves alone: everything but the read models, their generations and how far their consumers are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from annals.composition.operations import rebuilding
from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from tests.projections.history import History, open_history
from tests.projections.stories import Story

CALLER = Caller("default", "operator", "test", FULL_ACCESS)
OWN = {"annals.generations", "annals.consumer_positions"}
HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")


@pytest.fixture
async def history(dsn: str, tmp_path: Path) -> AsyncIterator[History]:
    """Of the log of `services`."""
    async with open_history(dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
async def services(dsn: str, tmp_path: Path, history: History) -> AsyncIterator[Stores]:
    """A log in which something happened that was answered, changed and deleted."""
    async with open_stores(load_settings(data=tmp_path), dsn) as opened:
        await open_read_models(opened)
        await history.tell(HARBOUR, Story("gone", ("Dora met Ada.",)))
        await history.ask("bob", documents=["harbour"])
        await history.merge("Ada", into="Bob")
        await history.delete(Story("gone", ("Dora met Ada.",)))
        yield opened


async def tables(services: Stores) -> dict[str, str]:
    """A digest of every table outside the read models: log, outputs, dead letters, webhooks, cached answers, ..."""
    names = await services.pool.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables "
        "WHERE schemaname NOT LIKE 'pg\\_%' AND schemaname !~ '^(information_schema|relational|graph|vector)'"
    )
    digest = "SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {table} AS t"
    return {
        row["name"]: str(await services.pool.fetchval(digest.format(table=row["name"])))
        for row in names
        if row["name"] not in OWN
    }


def metrics() -> dict[str, float]:
    """Every count of ours in this process."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name.startswith("annals_") and not sample.name.endswith("_created")
    }


async def test_a_replay_and_the_way_back_have_no_side_effect(services: Stores) -> None:
    """No dead letter, output of a model, delivery to a webhook, cached answer or event, and nothing is counted."""
    there, counted = await tables(services), metrics()
    assert len(there) > 20 and there["annals.stored_events"] != "0:0" and there["annals.model_outputs"] != "0:0"
    service = rebuilding(services)
    rows = await service.replay(CALLER, READ_MODELS, lambda _: None, deadline=Deadline.after(60))
    assert all(count > 0 for count in rows.values())
    assert await service.back(CALLER, [], deadline=Deadline.after(60)) == list(READ_MODELS)
    assert await tables(services) == there
    assert metrics() == counted
