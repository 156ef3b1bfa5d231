"""The gateway's whole chain, beside the bare handler, in one process on one core and without a network.

Everything of the chain is real: a key that PostgreSQL knows, permissions, the limiter in PostgreSQL, the audit log.
"""

import asyncio
import json
import logging
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from annals.admin_token import ensure_admin_token
from annals.composition.security import open_security
from annals.token_file import read_admin_token
from bench.servers import Figures, running
from eventstore.idempotency import IdempotencyKeys
from gateway.app import EnhancedKnowledgeStorageGateway, make_api
from gateway.chain import ASGIApp, Message
from gateway.endpoint import KIB, ApiEndpointConfig, RateLimit
from gateway.jobs import Jobs
from gateway.services import GatewayServices
from gateway.streams import LiveStreams
from services.positions import ShownPositions
from services.processing.interface import EntityExtractionRequest, EntityExtractionResponse
from services.storage.consistency import ReadYourWrites
from services.storage.use_cases import Storage

REQUESTS = 1500
WARM = 300
REQUIRED_MS = 1.0
ENDPOINT = ApiEndpointConfig(
    path="/api/v1/entities/extract",
    method="POST",
    handler="entity_extractor",
    resource="processing",
    action="execute",
    rate_limit=RateLimit(10_000_000, 60.0),
    body_bytes=64 * KIB,
)
BODY = json.dumps({"text": "Ada Lovelace met Charles Babbage in London."}).encode()


class _Nothing:
    """A handler's use case that takes no time."""

    processing: Any

    def __init__(self) -> None:
        self.processing = self

    async def extract_entities(self, caller: object, request: EntityExtractionRequest, deadline: object) -> Any:
        return EntityExtractionResponse((), 0.0, {}, {"model": "none", "characters": len(request.text)})


async def measure(folder: Path) -> Figures:
    """Milliseconds at the median that the chain takes beyond the handler, its route and the reading of the body."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    logging.getLogger("gateway").setLevel(logging.WARNING)
    async with running(folder) as (stores, _), open_security(stores) as security:
        await stores.read.limits.open()
        await ensure_admin_token(folder, security.local_administrator)
        token = read_admin_token(folder)
        nothing: Any = None
        used = _Nothing()

        async def models(deadline: object) -> Any:
            return used

        services = GatewayServices(
            limits=stores.read.limits,
            idempotency=IdempotencyKeys(stores.pool, stores.keys.ids),
            storage=nothing,
            documents=replace(
                Storage(*[nothing] * len(fields(Storage))), consistency=ReadYourWrites((), stores.topics)
            ),
            knowledge=nothing,
            corrections=nothing,
            model_cache=nothing,
            embedder=nothing,
            reading=nothing,
            preview=nothing,
            files=nothing,
            search=nothing,
            past=nothing,
            operations=nothing,
            serving=nothing,
            security=nothing,
            webhooks=nothing,
            jobs=Jobs(),
            streams=LiveStreams(),
            positions=ShownPositions(bytes(32)),
            models=models,
            checks={},
        )
        gateway = EnhancedKnowledgeStorageGateway(
            services, security.authentication, security.policies, security.audit, [ENDPOINT]
        )
        api = make_api([ENDPOINT])
        api.state.services = services
        bare = _with_exchange(api)
        whole_ms: list[float] = []
        bare_ms: list[float] = []
        bare_processor_ms: list[float] = []
        began_s = 0.0
        for number in range(WARM + REQUESTS):
            # One after the other, so that a busy machine is as busy for both.
            for app, found in ((gateway, whole_ms), (bare, bare_ms)):
                used_s = time.process_time()
                began_s = began_s or (used_s if number == WARM else 0.0)
                spent = await _spent_ms(app, token or "")
                if number >= WARM:
                    found.append(spent)
                    if app is bare:
                        bare_processor_ms.append((time.process_time() - used_s) * 1000)
        # The audit log is written beside the requests, whichever of the two is under way.
        whole_processor_ms = (time.process_time() - began_s) * 1000 / REQUESTS
        added = statistics.median(whole_ms) - statistics.median(bare_ms)
    return {
        "of": "milliseconds that the chain adds to the handler, at the median, on one core",
        "added_ms": round(added, 3),
        "required_ms": REQUIRED_MS,
        "added_processor_ms": round(whole_processor_ms - 2 * statistics.median(bare_processor_ms), 3),
        "whole_ms": _quantiles(whole_ms),
        "bare_ms": _quantiles(bare_ms),
    }


def _quantiles(found: list[float]) -> dict[str, float]:
    ordered = sorted(found)
    return {name: round(ordered[int(share * (len(ordered) - 1))], 3) for name, share in (("p50", 0.5), ("p95", 0.95))}


def _with_exchange(api: ASGIApp) -> ASGIApp:
    """What handlers find in their scope, made once."""
    from gateway.exchange import KEY, Exchange
    from security.access import FULL_ACCESS
    from services.caller import Caller
    from services.deadline import Deadline

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope[KEY] = Exchange("POST", ENDPOINT.path, "", ENDPOINT, (), "r", "r")
        scope[KEY].given_caller = Caller("default", "bench", "http", FULL_ACCESS)
        scope[KEY].given_deadline = Deadline.after(10.0)
        await api(scope, receive, send)

    return app


async def _spent_ms(app: Callable[..., Any], token: str) -> float:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": ENDPOINT.path,
        "raw_path": ENDPOINT.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1"),
            (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(BODY)).encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8420),
    }
    statuses: list[int] = []
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    began = time.perf_counter()
    await app(scope, receive, send)
    spent = (time.perf_counter() - began) * 1000
    assert statuses == [200], statuses
    return spent
