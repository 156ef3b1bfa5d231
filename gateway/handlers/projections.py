"""Read models: how far they are, built anew, and compared with their events."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import MalformedRequestError
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from gateway.job_views import JOB, JobId, JobView, followed
from gateway.jobs import Job, Report
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import REBUILD_LIMIT_S
from services.operations.status import Position
from services.past.moments import MOST_S

ReadModelName = Literal["relational", "graph", "vector"]
Target = Annotated[ReadModelName | Literal["all"], Path()]


class Projections(BaseModel):
    """`position` is the log's; each read model's own is what it has processed, at least."""

    position: int | None
    projections: dict[str, Position]


class BackOptions(BaseModel):
    """`only`: of `all`, these. `keep_seconds`: how long what is switched away from is kept; without, as the settings
    say.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    only: Annotated[list[ReadModelName], Field(min_length=1, max_length=len(READ_MODELS))] | None = None
    keep_seconds: Annotated[float, Field(ge=0, le=MOST_S)] | None = None


class ReplayOptions(BackOptions):
    """`rate`: aggregates a second, at most. `restart`: begin anew where a replay was broken off."""

    rate: Annotated[float, Field(ge=1, le=1e9)] | None = None
    restart: bool = False


async def status(request: Request) -> Projections:
    """How far each read model is behind the log."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).operations.status.read(exchange.caller, deadline=exchange.deadline)
    return Projections(position=found.log.position, projections=dict(found.log.projections))


async def replay(request: Request, response: Response, name: Target, wanted: ReplayOptions | None = None) -> JobView:
    """Build a read model anew from the log, beside the live one, and switch; a job that is looked at by its id.

    Asked for again, one that was broken off goes on where it stood.
    """
    exchange, services = exchange_of(request.scope), services_of(request)
    options = wanted or ReplayOptions()
    names, rebuilding = _chosen(name, options), services.operations.rebuilding
    total = await rebuilding.aggregates(names, deadline=exchange.deadline)

    async def work(report: Report) -> dict[str, Any]:
        rows = await rebuilding.replay(
            exchange.caller,
            names,
            report,
            deadline=Deadline.after(REBUILD_LIMIT_S),
            keep_s=options.keep_seconds,
            rate=options.rate,
            restart=options.restart,
        )
        return {"rows": rows}

    return begun(response, services.jobs.start(exchange.caller, f"replay {name}", total, work))


async def back(request: Request, response: Response, name: Target, wanted: BackOptions | None = None) -> JobView:
    """Switch to what was live before the last replay, once that knows what came since: of `all` without `only` every
    read model of which that is kept; a job that is looked at by its id.
    """
    exchange, services = exchange_of(request.scope), services_of(request)
    options = wanted or BackOptions()
    names = () if name == "all" and options.only is None else _chosen(name, options)

    async def work(report: Report) -> dict[str, Any]:
        switched = await services.operations.rebuilding.back(
            exchange.caller, names, deadline=Deadline.after(REBUILD_LIMIT_S), keep_s=options.keep_seconds
        )
        return {"switched": switched}

    return begun(response, services.jobs.start(exchange.caller, f"back {name}", None, work))


async def verify(request: Request, response: Response, name: Target) -> JobView:
    """Compare a read model with its events; a job that is looked at by its id."""
    exchange, services = exchange_of(request.scope), services_of(request)
    names, rebuilding = _names(name), services.operations.rebuilding
    total = 0
    for one in names:
        total += await rebuilding.aggregates([one], deadline=exchange.deadline)

    async def work(report: Report) -> dict[str, Any]:
        verdicts, before = [], 0
        for one in names:
            done = 0

            def reported(count: int, before: int = before) -> None:
                nonlocal done
                done = count
                report(before + count)

            deadline = Deadline.after(REBUILD_LIMIT_S)
            verdicts.append(asdict(await rebuilding.verify(exchange.caller, one, reported, deadline=deadline)))
            before += done
        return {"verdicts": verdicts}

    return begun(response, services.jobs.start(exchange.caller, f"verify {name}", total, work))


async def job(request: Request, job_id: JobId) -> JobView:
    """How far a replay or a verification is."""
    return JobView.of(services_of(request).jobs.get(exchange_of(request.scope).caller, job_id))


async def stream(request: Request, job_id: JobId) -> Response:
    """The job as it goes on (server-sent events): `progress` with the job as it is, and at its end `done`, `failed` or
    `cancelled`; then the stream ends. It ends after some minutes too: come again.
    """
    services = services_of(request)
    return followed(request, services.jobs.get(exchange_of(request.scope).caller, job_id))


async def cancel(request: Request, job_id: JobId) -> JobView:
    """Break off a replay or a verification: the live read model stays as it is. One that ended stays as it ended."""
    return JobView.of(await services_of(request).jobs.cancel(exchange_of(request.scope).caller, job_id))


def _names(name: str) -> list[str]:
    return list(READ_MODELS) if name == "all" else [name]


def _chosen(name: str, options: BackOptions) -> list[str]:
    if options.only is None:
        return _names(name)
    if name != "all":
        raise MalformedRequestError("`only` goes with `all`; name one read model in the path, or several in `only`")
    return list(dict.fromkeys(options.only))


def begun(response: Response, job: Job) -> JobView:
    """What is answered to whoever began it, with where it is looked at."""
    response.headers["location"] = f"/api/v1/projections/jobs/{job.id}"
    return JobView.of(job)


HANDLERS = {
    "projection_status": Handler(
        status,
        "projections",
        "How far the read models are.",
        example={"position": 19, "projections": {"graph": {"position": 19, "lag": 0, "seconds": 0.0}}},
    ),
    "projection_replayer": Handler(
        replay,
        "projections",
        "Build a read model anew.",
        status=202,
        request={"rate": 200, "restart": False, "keep_seconds": 3600},
        example=JOB,
    ),
    "projection_back": Handler(
        back,
        "projections",
        "Switch back to what was live before.",
        status=202,
        request={"only": ["graph", "vector"]},
        example={**JOB, "kind": "back all", "total": None},
    ),
    "projection_verifier": Handler(
        verify, "projections", "Compare a read model with its events.", status=202, example=JOB
    ),
    "projection_job": Handler(job, "projections", "How far a job is.", raises=(404,), example=JOB),
    "projection_job_stream": Handler(
        stream,
        "projections",
        "Follow a job.",
        raises=(404,),
        media_type="text/event-stream",
        example="event: done\ndata: {}\n\n",
    ),
    "projection_job_canceller": Handler(
        cancel, "projections", "Cancel a job.", raises=(404,), example={**JOB, "state": "cancelled"}
    ),
}
