"""A consumer that lost its partitions, or stands still after a rebalance, is at work again within ten seconds."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from annals.composition.storage import intake_of
from annals.composition.stores import Stores
from bench.servers import running
from contracts.envelope import EventMetadata
from eventstore.keys import AggregateKey
from services.deadline import Deadline
from services.storage.intake import Submission
from streams.app import build_app
from tests.annals.conftest import Up
from tests.annals.pipeline import ROOT, environment, given
from tests.annals.processes import until

BACK_S = 10.0
START_S = 60.0
DISTURBED = "from tests.annals.test_standstill import run_disturbed_projector; run_disturbed_projector()"


def test_a_worker_that_was_stopped_for_longer_than_its_session_is_back_at_once(up: Up, tmp_path: Path) -> None:
    document = tmp_path / "stopped.md"
    document.write_text("Ada Lovelace wrote to Charles Babbage while the worker was stopped.")
    (worker,) = up.pipeline.pids("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        given(up.data, "ingest", str(document))
        # What is waited for here is the end of the session, which nothing but time brings.
        time.sleep(float(build_app("g", "one:9092", {}, tmp_path).conf.broker_session_timeout) + 2.0)
    finally:
        os.kill(worker, signal.SIGCONT)
    began = time.monotonic()
    assert until(lambda: _stage(up, document) == "processed", limit_s=60)
    assert time.monotonic() - began < BACK_S


def _stage(up: Up, document: Path) -> str | None:
    rows = up.rows("SELECT stage FROM relational.states WHERE document_id LIKE $1", f"%{document.name}")
    return str(rows[0][0]) if rows else None


def run_disturbed_projector() -> None:
    """In a process of its own: a projector whose first seek after the rebalance fails as in a disturbed one."""
    from aiokafka.errors import IllegalStateError

    from annals.cli import main
    from streams import transport

    seek, tries = transport.PromptConsumerThread.seek_to_committed, list[int]()

    async def disturbed(self: transport.PromptConsumerThread) -> object:
        tries.append(1)
        if len(tries) == 1:
            raise IllegalStateError("No current assignment for partition")
        return await seek(self)

    transport.PromptConsumerThread.seek_to_committed = disturbed  # type: ignore[method-assign,assignment]
    sys.argv = ["annals", "run", "projector"]
    main()


@pytest.mark.pipeline
async def test_a_consumer_that_stands_still_after_a_rebalance_begins_again(tmp_path: Path) -> None:
    """Faust takes the failed seek for the sign of another rebalance, and waits for that with all partitions paused."""
    async with running(tmp_path, roles=("relay",)) as (services, addresses):
        await _take_in(services, "d1")
        settings = {
            "ANNALS_DATA": str(tmp_path),
            "ANNALS_POSTGRES": addresses["postgres"],
            "ANNALS_BROKER": addresses["broker"],
        }
        projector = await asyncio.to_thread(_start_disturbed, tmp_path / "projector.log", settings)
        try:
            await _until_projected(services, "d1", START_S)
            log = await asyncio.to_thread((tmp_path / "projector.log").read_text)
            assert "beginning again from the commits" in log, log
            assert projector.poll() is None, "the same process goes on"
            began = time.monotonic()
            await _take_in(services, "d2")
            await _until_projected(services, "d2", BACK_S)
            assert time.monotonic() - began < BACK_S
        finally:
            projector.kill()
            await asyncio.to_thread(projector.wait)


def _start_disturbed(log: Path, settings: dict[str, str]) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-c", DISTURBED], cwd=ROOT, env=environment(settings), stdout=output, stderr=output
        )


async def _take_in(services: Stores, document_id: str) -> None:
    metadata = EventMetadata(tenant="acme", actor="ada")
    await intake_of(services).take(
        [Submission(document_id, "Title", f"Text of {document_id}.", metadata, uuid4(), "test")], Deadline.after(20)
    )


async def _until_projected(services: Stores, document_id: str, limit_s: float) -> None:
    key = AggregateKey("acme", "document", document_id)
    end = time.monotonic() + limit_s
    for projection in services.projections.values():
        while not await projection.store.versions([key]):
            assert time.monotonic() < end, f"{document_id} is not in every read model after {limit_s:.0f} s"
            await asyncio.sleep(0.1)
