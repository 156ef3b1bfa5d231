"""What has a key is done once."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from eventstore.errors import ConflictError
from eventstore.idempotency import IdempotencyKeys, KeyScope
from eventstore.log_ids import PUBLIC_IDS
from eventstore.pool import PostgresPool, acquire
from gateway.endpoints import ENDPOINTS
from tests.gateway.fakes import ADA, DOCUMENT, Gateway
from tests.gateway.test_chain import problem
from tests.support.stores import pool as pool

KEY = {"idempotency-key": "k-1"}


async def post(gateway: Gateway, document: dict[str, str], headers: dict[str, str]) -> httpx.Response:
    return await gateway.client.post("/api/v1/documents", json=document, headers=headers)


async def test_the_same_answer_again_and_nothing_done_twice(gateway: Gateway) -> None:
    first, again = await post(gateway, DOCUMENT, ADA | KEY), await post(gateway, DOCUMENT, ADA | KEY)
    assert (first.status_code, first.content) == (again.status_code, again.content) == (201, again.content)
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    assert again.headers["etag"] == first.headers["etag"]
    assert len(gateway.storage.stored) == 1
    other = await post(gateway, DOCUMENT, {"authorization": "Bearer acme-ada"} | KEY)
    assert "idempotency-replayed" not in other.headers, "another tenant's key is another key"
    assert len(gateway.storage.stored) == 2


async def test_a_key_with_another_body_or_path_is_refused(gateway: Gateway) -> None:
    await post(gateway, DOCUMENT, ADA | KEY)
    problem(await post(gateway, DOCUMENT | {"title": "x"}, ADA | KEY), 422, "idempotency-key-reused")
    content = {name: value for name, value in DOCUMENT.items() if name != "id"}
    put = await gateway.client.put("/api/v1/documents/d1", json=content, headers=ADA | KEY)
    problem(put, 422, "idempotency-key-reused")


async def test_while_it_is_being_done_it_is_not_done_again(gateway: Gateway) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        begun.set()
        await go.wait()

    gateway.storage.pause = pause
    first = asyncio.create_task(post(gateway, DOCUMENT, ADA | KEY))
    await begun.wait()
    running = await post(gateway, DOCUMENT, ADA | KEY)
    problem(running, 409, "request-running")
    assert running.headers["retry-after"] == "1"
    go.set()
    assert (await first).status_code == 201


async def test_what_failed_is_done_by_whoever_asks_again_as_the_same_delivery(gateway: Gateway) -> None:
    gateway.storage.failures = [ConflictError()]
    problem(await post(gateway, DOCUMENT, ADA | KEY), 409, "conflict")
    assert (await post(gateway, DOCUMENT, ADA | KEY)).status_code == 201
    gateway.keys.kept.clear()
    await post(gateway, DOCUMENT, ADA | KEY)
    assert len({request.delivery_id for _, request in gateway.storage.stored}) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ü"])
async def test_keys_that_cannot_be_read(gateway: Gateway, key: str) -> None:
    headers = [(b"idempotency-key", key.encode("latin-1")), (b"authorization", b"Bearer ada")]
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=headers)
    problem(answer, 400, "idempotency-key")


async def test_where_one_is_needed_it_is_asked_for(gateway: Gateway) -> None:
    needed = [one for one in ENDPOINTS if one.idempotency_key == "required"]
    assert needed
    for one in needed:
        path = one.path.replace("{name}", "graph")
        problem(await gateway.client.request(one.method, path, headers=ADA), 400, "idempotency-key-missing")


class TestPostgres:
    """What the database keeps."""

    @pytest.fixture
    def keys(self, pool: PostgresPool) -> IdempotencyKeys:
        return IdempotencyKeys(pool, PUBLIC_IDS)

    async def test_one_of_many_does_it(self, keys: IdempotencyKeys) -> None:
        scope = KeyScope("ours", "ada", "k")
        found = await asyncio.gather(*(keys.begin(scope, b"f", uuid4(), 60) for _ in range(20)))
        assert sum(one is None for one in found) == 1
        assert all(one.status is None for one in found if one is not None)

    async def test_an_answer_is_kept_and_forgotten(self, keys: IdempotencyKeys, pool: PostgresPool) -> None:
        scope, holder = KeyScope("ours", "ada", "k"), uuid4()
        assert await keys.begin(scope, b"f", holder, 60) is None
        await keys.finish(scope, uuid4(), 200, (), b"not mine")
        await keys.finish(scope, holder, 201, (("etag", '"1"'),), b"{}")
        kept = await keys.begin(scope, b"f", uuid4(), 60)
        assert kept is not None
        assert (kept.status, kept.headers, kept.body) == (201, (("etag", '"1"'),), b"{}")
        assert await keys.prune() == 0
        async with acquire(pool) as connection:
            await connection.execute("UPDATE annals.idempotency_keys SET created_at = now() - interval '25 hours'")
        assert await keys.begin(scope, b"other", holder, 60) is None, "old enough to be another request's"
        await keys.forget(scope, holder)
        assert await keys.begin(scope, b"f", uuid4(), 60) is None
        async with acquire(pool) as connection:
            await connection.execute("UPDATE annals.idempotency_keys SET created_at = now() - interval '25 hours'")
        assert await keys.prune() == 1

    async def test_from_one_that_died_another_takes_over(self, keys: IdempotencyKeys) -> None:
        scope = KeyScope("ours", "ada", "k")
        assert await keys.begin(scope, b"f", uuid4(), -1) is None
        assert await keys.begin(scope, b"other", uuid4(), 60) is not None
        assert await keys.begin(scope, b"f", uuid4(), 60) is None
        assert await keys.begin(scope, b"f", uuid4(), 60) is not None
