"""Work that takes longer than a request may: begun by one request, and looked at by others.

Kept in memory: a job ends with the process that runs it, and is done again by asking again.
"""

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from contracts.errors import AnnalsError
from services.caller import Caller
from services.errors import NotFoundError

log = logging.getLogger(__name__)

KEPT = 256
"""Jobs that are remembered; of those that ended, the oldest go first."""

Report = Callable[[int], None]
Work = Callable[[Report], Awaitable[Any]]


class TooManyJobsError(AnnalsError):
    """As many jobs run as may; wait until one of them ends."""


@dataclass(slots=True)
class Job:
    """`done` of `total` steps; `result` once it ended, `error` says why it failed."""

    id: str
    kind: str
    tenant: str
    state: Literal["running", "done", "failed"] = "running"
    done: int = 0
    total: int | None = None
    result: Any = None
    error: str | None = None
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None


class Jobs:
    """Of one process."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, caller: Caller, kind: str, total: int | None, work: Work) -> Job:
        """Begin, and return at once. Raises TooManyJobsError."""
        if len(self._tasks) >= KEPT // 2:
            raise TooManyJobsError()
        job = Job(uuid.uuid4().hex, kind, caller.tenant, total=total)
        self._jobs[job.id] = job
        while len(self._jobs) > KEPT:
            self._jobs.pop(next(key for key in self._jobs if key not in self._tasks))
        self._tasks[job.id] = asyncio.create_task(self._run(job, work))
        return job

    def get(self, caller: Caller, job_id: str) -> Job:
        """One of the caller's tenant. Raises NotFoundError."""
        job = self._jobs.get(job_id)
        if job is None or job.tenant != caller.tenant:
            raise NotFoundError("there is no such job here; one ends with the process that runs it")
        return job

    async def close(self) -> None:
        """Break off what still runs, and return once it is."""
        running = list(self._tasks.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, job: Job, work: Work) -> None:
        def report(done: int) -> None:
            job.done = done

        try:
            job.result = await work(report)
            job.state = "done"
        except AnnalsError as error:
            job.state, job.error = "failed", str(error)
        except asyncio.CancelledError:
            job.state, job.error = "failed", "the gateway stopped"
            raise
        except Exception:
            log.exception("job %s (%s)", job.id, job.kind)
            job.state, job.error = "failed", "the gateway failed; its log says why"
        finally:
            job.ended_at = datetime.now(UTC)
            self._tasks.pop(job.id, None)
