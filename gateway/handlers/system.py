"""How the gateway fares, and what it offers."""

import asyncio
from typing import Literal

from fastapi import Request, Response
from pydantic import BaseModel

from gateway.handler import Handler, services_of
from telemetry.server import exposition

CHECK_LIMIT_S = 3.0


class Health(BaseModel):
    """`checks`: of each part, whether it is ready. Why one is not is for the log and `annals status`."""

    status: Literal["pass", "fail"]
    checks: dict[str, Literal["pass", "fail"]] = {}


async def live() -> Health:
    """Whether the process answers at all."""
    return Health(status="pass")


async def ready(request: Request, response: Response) -> Health:
    """Whether requests can be served now: 503 where a part is not ready."""
    checks = services_of(request).checks
    passed = await asyncio.gather(*(_passes(check()) for check in checks.values()))
    found: dict[str, Literal["pass", "fail"]] = {
        name: "pass" if fine else "fail" for name, fine in zip(checks, passed, strict=True)
    }
    if not all(passed):
        response.status_code = 503
    return Health(status="pass" if all(passed) else "fail", checks=found)


async def _passes(check: object) -> bool:
    try:
        async with asyncio.timeout(CHECK_LIMIT_S):
            await check  # type: ignore[misc]
    except Exception:  # whatever it is, the part is not ready
        return False
    return True


async def metrics() -> Response:
    """Metrics of this process, for Prometheus."""
    text, media_type = await asyncio.to_thread(exposition)
    return Response(text, media_type=media_type)


async def openapi(request: Request) -> Response:
    """This document."""
    return Response(await asyncio.to_thread(request.app.state.document), media_type="application/json")


HANDLERS = {
    "live": Handler(live, "system", "Whether the process is alive.", example={"status": "pass", "checks": {}}),
    "ready": Handler(
        ready,
        "system",
        "Whether requests can be served.",
        also=(503,),
        example={"status": "pass", "checks": {"postgres": "pass", "read models": "pass"}},
    ),
    "metrics": Handler(
        metrics,
        "system",
        "Metrics, for Prometheus.",
        media_type="text/plain",
        example="annals_http_requests_in_flight 1.0",
    ),
    "openapi": Handler(openapi, "system", "The OpenAPI document.", example={"openapi": "3.1.0"}),
}
