"""The services in the servers profile: processes of their own, found through Redis, which may be away for a while."""

import asyncio
import signal
import subprocess
from pathlib import Path

from annals.composition.use_cases import UseCases, open_use_cases
from annals.settings import load_settings
from eventstore.errors import StoreUnavailableError
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.mesh.operations import STORAGE
from services.storage.interface import StoreDocumentRequest
from tests.annals.pipeline import ANNALS, ROOT, environment
from tests.servers.handles import Server
from tests.servers.profile import options_of

CALLER = Caller("default", "ada", "http", FULL_ACCESS)
START_LIMIT_S = 120.0


async def found_again(use_cases: UseCases) -> bool:
    """Whether Redis answers, and knows an instance."""
    try:
        return bool(await use_cases.registries.found.instances(STORAGE))
    except StoreUnavailableError:
        return False


async def test_found_through_redis_and_called_on_while_it_is_away(
    empty_env: dict[str, str], redis_server: Server, postgres_dsn: str, tmp_path: Path
) -> None:
    log = tmp_path / "storage.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220
            [*ANNALS, "run", "service", STORAGE, "--data", str(tmp_path / "service")],
            cwd=ROOT,
            env=environment(
                {**empty_env, "ANNALS_POSTGRES": postgres_dsn, "ANNALS_MASTER_KEY_FILE": str(tmp_path / "master.key")}
            ),
            stdout=output,
            stderr=output,
        )
    try:
        settings = load_settings(data=tmp_path, services="processes", **options_of(empty_env))
        async with open_use_cases(settings, postgres_dsn) as use_cases:
            async with asyncio.timeout(START_LIMIT_S):
                while not await use_cases.registries.found.instances(STORAGE):
                    assert process.poll() is None, log.read_text()
                    await asyncio.sleep(0.2)

            async def store(name: str) -> set[str]:
                request = StoreDocumentRequest(name, "T", f"Text of {name}.")
                stored = await use_cases.services.storage.store_document(CALLER, request, Deadline.after(30))
                assert stored.outcome == "ingested"
                return {location.store for location in stored.storage_locations}

            assert await store("one") == {"log", "relational", "graph", "vector"}
            redis_server.kill()
            assert await store("two")
            await asyncio.to_thread(redis_server.start)
            async with asyncio.timeout(30):
                while not await found_again(use_cases):  # noqa: ASYNC110  # a heartbeat brings it
                    await asyncio.sleep(0.2)
            assert await store("three")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
