"""Another embedder takes over where the vectors are in OpenSearch."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.servers.profile import options_of
from tests.support.embedders import CALLER, Embedders, World, begin, make_embedders, opened, read_throughout, soon


@pytest.fixture(scope="module")
def embedders(tmp_path_factory: pytest.TempPathFactory) -> Embedders:
    return make_embedders(tmp_path_factory.mktemp("embedders"))


@pytest.fixture
async def world(dsn: str, tmp_path: Path, embedders: Embedders, empty_env: Mapping[str, str]) -> AsyncIterator[World]:
    async with opened(dsn, tmp_path, embedders, **options_of(empty_env)) as one:
        await begin(one, embedders)
        yield one


async def test_it_takes_over_with_its_vectors_and_goes_back(world: World, embedders: Embedders) -> None:
    first, second = embedders.revisions
    await world.tell(*map(embedders.story, range(4)))
    before = await world.nearest()
    assert (await world.to(embedders.names[1])).passages == 8
    assert await world.serving() == second
    await world.tell(embedders.story(5))
    after = await world.nearest()
    assert {hit.chunk_id for hit in after} > {hit.chunk_id for hit in before} and after != before
    assert await world.stores.read.passages.models() == {second: 10}
    assert await world.same() == [None, None, None]
    await world.rebuilding.back(CALLER, [], deadline=soon())
    assert await world.serving() == first
    assert await world.stores.read.passages.models() == {first: 10}
    assert len(await world.nearest()) == 10


async def test_readers_see_one_embedder_or_the_other_and_never_nothing(world: World, embedders: Embedders) -> None:
    await read_throughout(world, embedders)
