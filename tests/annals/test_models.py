"""Models of this installation: an embedder whose vectors would meet those of another one is refused."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from annals.composition.models import serving_models
from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from inference.embedder import MINILM_INT8_REVISION, POOLING, embedder_revision
from inference.model import OtherModelError
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from tests.annals.layer_contract import follow
from tests.inference.tiny import make_encoder
from tests.projections.history import History, open_history
from tests.projections.stories import Story

CALLER = Caller("default", "annals", "worker", FULL_ACCESS)
SERVED = f"{MINILM_INT8_REVISION}/{POOLING}"


class OfMinilm(Story):
    """A story whose vectors are said to be the default embedder's."""

    @property
    def embedder(self) -> str:
        return SERVED


HARBOUR, MARKET = OfMinilm("harbour", ("Ada met Bob.",), dimension=384), OfMinilm("market", ("Eve.",), tenant="theirs")


def soon() -> Deadline:
    """For what does not take long."""
    return Deadline.after(60)


@pytest.fixture
async def history(dsn: str, tmp_path: Path) -> AsyncIterator[History]:
    """Of the log of `services`."""
    async with open_history(dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
async def services(dsn: str, tmp_path: Path, tiny: Path) -> AsyncIterator[Stores]:
    """The settings name another embedder than the one that served so far."""
    async with open_stores(load_settings(data=tmp_path, embedder=str(tiny)), dsn) as opened:
        await open_read_models(opened)
        await serving_models(opened).report(CALLER, {"embedding": SERVED}, deadline=soon())
        yield opened


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("models") / "encoder")


def other(services: Stores) -> str:
    """The revision of the embedder that the settings name."""
    return embedder_revision(services.settings.embedder, None, services.settings.model_dtype)


@pytest.mark.parametrize("stories", [(HARBOUR,), (MARKET,), (HARBOUR, MARKET)])
async def test_another_embedder_is_refused_while_documents_of_the_first_are_there(
    services: Stores, history: History, stories: Sequence[Story]
) -> None:
    """Whichever tenant's: one worker serves them all."""
    await history.tell(*stories)
    await follow(services, history)
    with pytest.raises(OtherModelError) as refused:
        await serving_models(services).check(CALLER, deadline=soon())
    line = str(refused.value)
    assert "\n" not in line
    for part in (SERVED, other(services), "ANNALS_EMBEDDER=minilm-int8", "annals models set embedder NAME"):
        assert part in line

    for story in stories:
        await history.delete(story)
    await follow(services, history)
    await serving_models(services).check(CALLER, deadline=soon())


async def test_the_embedder_that_served_is_taken(services: Stores, history: History, tmp_path: Path) -> None:
    await history.tell(HARBOUR)
    await follow(services, history)
    async with open_stores(load_settings(data=tmp_path), services.dsn) as again:
        await serving_models(again).check(CALLER, deadline=soon())


async def test_any_embedder_may_serve_first(dsn: str, tmp_path: Path, tiny: Path) -> None:
    """The read models need not even be there."""
    async with open_stores(load_settings(data=tmp_path, embedder=str(tiny)), dsn) as opened:
        await serving_models(opened).check(CALLER, deadline=soon())
