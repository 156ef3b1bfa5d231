"""Jobs as they are answered, and followed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Request, Response
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from gateway.exchange import exchange_of
from gateway.handler import services_of
from gateway.jobs import Job, State
from gateway.streams import PING_S, SEND_LIMIT_S, STREAM_LIMIT_S
from services.deadline import Deadline

PROGRESS_EVERY_S = 0.5

JobId = Annotated[str, Path(max_length=64)]


class JobView(BaseModel):
    """`done` of `total`: aggregates, documents of an erasure, or steps of a preview. `result` once it is `done`,
    `error` where it `failed`."""

    id: str
    kind: str
    state: State
    done: int
    total: int | None
    result: dict[str, Any] | None
    error: str | None
    began_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "JobView":
        """As it is now."""
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state,
            done=job.done,
            total=job.total,
            result=job.result,
            error=job.error,
            began_at=job.began_at,
            ended_at=job.ended_at,
        )


def followed(request: Request, watched: Job) -> Response:
    """The job as it goes on, until it ends."""
    exchange, services = exchange_of(request.scope), services_of(request)
    stack = contextlib.ExitStack()
    stack.enter_context(services.streams.one(exchange.caller))

    async def messages() -> AsyncIterator[ServerSentEvent]:
        with stack:
            limit, last = Deadline.after(STREAM_LIMIT_S), None
            while limit.remaining_s > 0:
                now = JobView.of(watched)
                if now != last:
                    yield ServerSentEvent(
                        data=now.model_dump_json(), event="progress" if now.state == "running" else now.state
                    )
                if now.state != "running":
                    return
                last = now
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PROGRESS_EVERY_S):
                        await watched.ended.wait()

    return EventSourceResponse(
        messages(), ping=PING_S, send_timeout=SEND_LIMIT_S, shutdown_event=services.streams.stopping
    )


JOB = {
    "id": "1f0c",
    "kind": "replay graph",
    "state": "running",
    "done": 0,
    "total": 1200,
    "result": None,
    "error": None,
    "began_at": "2026-01-05T10:00:00Z",
    "ended_at": None,
}
