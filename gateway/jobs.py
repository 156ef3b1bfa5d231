"""Work that takes longer than a request may: begun by one request, and looked at by others.

Kept in memory: a job ends with the process that runs it, and is done again by asking again. What is to go on by itself
is begun again under its id (`gateway.erasures`).
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
State = Literal["running", "done", "failed", "cancelled"]
Outcome = tuple[State, Any, str | None]
"""State, result and error."""


class TooManyJobsError(AnnalsError):
    """As many jobs run as may; wait until one of them ends."""


@dataclass(slots=True)
class Job:
    """`done` of `total` steps; `result` once it ended, `error` says why it failed. `ended` is set when it did.

    `resource` is what one has to have a right to, to look at it. `keep_s`: how long it is remembered once it ended;
    None: until others need the room.
    """

    id: str
    kind: str
    tenant: str
    resource: str = "projections"
    keep_s: float | None = None
    state: State = "running"
    done: int = 0
    total: int | None = None
    result: Any = None
    error: str | None = None
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Jobs:
    """Of one process."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: dict[str, asyncio.Task[Outcome]] = {}
        self._cancelled: set[str] = set()

    def start(
        self,
        caller: Caller,
        kind: str,
        total: int | None,
        work: Work,
        *,
        job_id: str | None = None,
        resource: str = "projections",
        keep_s: float | None = None,
    ) -> Job:
        """Begin, and return at once; one of this id that runs goes on as it is. Raises TooManyJobsError."""
        if job_id in self._tasks:
            return self._jobs[job_id]
        if len(self._tasks) >= KEPT // 2:
            raise TooManyJobsError()
        job = Job(job_id or uuid.uuid4().hex, kind, caller.tenant, resource, keep_s, total=total)
        self._jobs[job.id] = job
        while len(self._jobs) > KEPT:
            self._jobs.pop(next(key for key in self._jobs if key not in self._tasks))
        task = self._tasks[job.id] = asyncio.create_task(_run(job, work))
        # Of the task and not within it: one that is cancelled before it began runs nothing.
        task.add_done_callback(lambda done: self._end(job, done))
        return job

    def get(self, caller: Caller, job_id: str, resource: str = "projections") -> Job:
        """One of the caller's tenant. Raises NotFoundError."""
        job = self._jobs.get(job_id)
        if job is None or (job.tenant, job.resource) != (caller.tenant, resource):
            raise NotFoundError("there is no such job here; one ends with the process that runs it")
        return job

    async def cancel(self, caller: Caller, job_id: str, resource: str = "projections") -> Job:
        """Break one off, and return once it is; one that ended stays as it ended. Raises NotFoundError."""
        job, task = self.get(caller, job_id, resource), self._tasks.get(job_id)
        if task is not None:
            self._cancelled.add(job_id)
            task.cancel()
            await job.ended.wait()
        return job

    async def close(self) -> None:
        """Break off what still runs, and return once it is."""
        running = list(self._tasks.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _end(self, job: Job, task: asyncio.Task[Outcome]) -> None:
        if not task.cancelled():
            job.state, job.result, job.error = task.result()
        elif job.id in self._cancelled:
            job.state = "cancelled"
        else:
            job.state, job.error = "failed", "the gateway stopped"
        job.ended_at = datetime.now(UTC)
        job.ended.set()
        self._cancelled.discard(job.id)
        self._tasks.pop(job.id, None)
        if job.keep_s is not None:
            task.get_loop().call_later(job.keep_s, self._jobs.pop, job.id, None)


async def _run(job: Job, work: Work) -> Outcome:
    def report(done: int) -> None:
        job.done = done

    try:
        return "done", await work(report), None
    except AnnalsError as error:
        return "failed", None, str(error)
    except Exception:
        log.exception("job %s (%s)", job.id, job.kind)
        return "failed", None, "the gateway failed; its log says why"
