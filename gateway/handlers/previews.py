"""Which answers would be others with another model: asked before it serves, as a job that quotes any document."""

from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.payload import GenerationName
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of, shown
from gateway.handlers.comparing import ComparedAnswer
from gateway.handlers.models import NamedEmbedder, NamedEntityModel, NamedRelationModel, Rate, Revision
from gateway.job_views import JOB, JobId, JobView, followed
from gateway.jobs import Job, Report
from gateway.parameters import AskedQuestion
from inference.extractors import ExtractorName
from services.deadline import Deadline
from services.operations.previewing import MOST_QUESTIONS, PreviewTask
from services.operations.rebuilding import REBUILD_LIMIT_S
from services.past.generations import check_name

RESOURCE = "previews"
KEPT_S = 3600.0
"""How long the answers can be looked at, which quote documents: what is erased later is not to stay in memory."""


class PreviewToMake(BaseModel):
    """`rate`: the most documents that are read in a second. `keep`: under what name the read models that are made are
    kept for a day; without one they are dropped at the end.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    questions: Annotated[list[AskedQuestion], Field(min_length=1, max_length=MOST_QUESTIONS)]
    rate: Rate | None = None
    keep: GenerationName | None = None


class EmbedderToPreview(PreviewToMake):
    """`name` is `minilm-int8`, `minilm` or a hub id; `revision` is the hub's. Folders only a command names. `rate`: the
    most documents that are read in a second. `keep`: under what name the read models that are made are kept for a day.
    """

    name: NamedEmbedder
    revision: Revision | None = None


class EntityModelToPreview(PreviewToMake):
    """`name` is a spaCy model's package, or a hub id of a token classification; `revision` is the hub's. Folders only a
    command names. `rate`: the most documents that are read in a second. `keep`: under what name the read models that
    are made are kept for a day.
    """

    name: NamedEntityModel
    revision: Revision | None = None


class RelationModelToPreview(PreviewToMake):
    """`name` is a spaCy model's package. Folders only a command names. `rate`: the most documents that are read in a
    second. `keep`: under what name the read models that are made are kept for a day.
    """

    name: NamedRelationModel


async def preview_embedder(request: Request, response: Response, wanted: EmbedderToPreview) -> JobView:
    """Which answers would be others if another embedder served: read models are made of its vectors beside the live
    ones, and both are asked the same questions; a job that is looked at by its id. Its result has the answers that
    differ, as `POST /projections/past/{name}/answers` gives them: `one` is today's, `other` the coming one's. Nothing
    that is asked is recorded. Both quote any document of the tenant: the caller has to be allowed to see them all, to
    administer models, to build read models and to ask.
    """
    return await _preview(request, response, "embedder", ExtractorName(wanted.name, wanted.revision), wanted)


async def preview_entity_model(request: Request, response: Response, wanted: EntityModelToPreview) -> JobView:
    """Which answers would be others if another model found entities, in the same way. What it finds in documents is
    kept: a change that follows has no text read twice.
    """
    return await _preview(request, response, "entities", ExtractorName(wanted.name, wanted.revision), wanted)


async def preview_relation_model(request: Request, response: Response, wanted: RelationModelToPreview) -> JobView:
    """Which answers would be others if another model found relations, in the same way."""
    return await _preview(request, response, "relations", ExtractorName(wanted.name), wanted)


async def _preview(
    request: Request, response: Response, task: PreviewTask, name: ExtractorName, wanted: PreviewToMake
) -> JobView:
    exchange, services = exchange_of(request.scope), services_of(request)
    if wanted.keep is not None:
        check_name(wanted.keep)
    total = await services.preview.total(exchange.caller, task, wanted.questions, deadline=exchange.deadline)

    async def work(report: Report) -> dict[str, Any]:
        found = await services.preview.preview(
            exchange.caller,
            task,
            name,
            wanted.questions,
            report,
            deadline=Deadline.after(REBUILD_LIMIT_S),
            rate=wanted.rate,
            keep=wanted.keep,
        )
        return {
            "task": found.task,
            "revision": found.revision,
            "previous": found.previous,
            "position": shown(request, found.position),
            "generation": found.generation,
            "asked": found.asked,
            "differences": [ComparedAnswer.of(request, one).model_dump(mode="json") for one in found.differences],
        }

    begun = services.jobs.start(exchange.caller, f"preview {task}", total, work, resource=RESOURCE, keep_s=KEPT_S)
    response.headers["location"] = f"/api/v1/models/previews/{begun.id}"
    return JobView.of(begun)


async def job(request: Request, job_id: JobId) -> JobView:
    """How far a preview is, and its answers for an hour once it is done: for whoever may see all documents."""
    return JobView.of(_looked_at(request, job_id))


async def stream(request: Request, job_id: JobId) -> Response:
    """A preview as it goes on, as other jobs are followed."""
    return followed(request, _looked_at(request, job_id))


async def cancel(request: Request, job_id: JobId) -> JobView:
    """Break off a preview: what was built for it is dropped. One that ended stays as it ended."""
    exchange = exchange_of(request.scope)
    exchange.caller.require_everything(RESOURCE, "execute")
    return JobView.of(await services_of(request).jobs.cancel(exchange.caller, job_id, RESOURCE))


def _looked_at(request: Request, job_id: str) -> Job:
    caller = exchange_of(request.scope).caller
    caller.require_everything(RESOURCE, "read")
    return services_of(request).jobs.get(caller, job_id, RESOURCE)


_QUESTIONS = ["Who wrote the first program?"]
_EXAMPLE = {**JOB, "kind": "preview embedder", "total": 1201}

HANDLERS = {
    "embedder_previewer": Handler(
        preview_embedder,
        "system",
        "What another embedder would answer otherwise.",
        status=202,
        request={"name": "organisation/embedder", "revision": None, "questions": _QUESTIONS, "keep": "coming"},
        example=_EXAMPLE,
    ),
    "entity_model_previewer": Handler(
        preview_entity_model,
        "system",
        "What would be answered otherwise if another model found entities.",
        status=202,
        request={"name": "organisation/entities", "revision": None, "questions": _QUESTIONS, "rate": 50},
        example={**_EXAMPLE, "kind": "preview entities"},
    ),
    "relation_model_previewer": Handler(
        preview_relation_model,
        "system",
        "What would be answered otherwise if another model found relations.",
        status=202,
        request={"name": "en_core_web_md", "questions": _QUESTIONS},
        example={**_EXAMPLE, "kind": "preview relations"},
    ),
    "preview_job": Handler(
        job,
        "system",
        "How far a preview is, and what differs.",
        raises=(404,),
        example={
            **_EXAMPLE,
            "state": "done",
            "done": 1201,
            "result": {
                "task": "embedder",
                "revision": "organisation/embedder@1",
                "previous": "minilm-int8@1",
                "position": 19,
                "generation": None,
                "asked": 1,
                "differences": [
                    {
                        "question": _QUESTIONS[0],
                        "one": None,
                        "other": "Ada Lovelace",
                        "one_confidence": 0.0,
                        "other_confidence": 0.87,
                        "made_by": None,
                    }
                ],
            },
            "ended_at": "2026-01-05T10:04:00Z",
        },
    ),
    "preview_job_stream": Handler(
        stream,
        "system",
        "Follow a preview.",
        raises=(404,),
        media_type="text/event-stream",
        example="event: done\ndata: {}\n\n",
    ),
    "preview_job_canceller": Handler(
        cancel, "system", "Break off a preview.", raises=(404,), example={**_EXAMPLE, "state": "cancelled"}
    ),
}
