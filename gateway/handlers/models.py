"""Which models serve: another one takes over, as a job."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import Field

from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from gateway.handlers.projections import begun
from gateway.job_views import JOB, JobView
from gateway.jobs import Report
from gateway.parameters import Decision
from inference.embedders import EmbedderName
from inference.extractors import ExtractorName
from services.deadline import Deadline
from services.operations.changing_reading import ReadingTask
from services.operations.rebuilding import REBUILD_LIMIT_S

Revision = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]{0,99}$")]
NamedEmbedder = Annotated[str, Field(pattern=r"^(minilm|minilm-int8|[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})$")]
NamedEntityModel = Annotated[
    str, Field(pattern=r"^([a-z]{2,3}_[a-z0-9_]{1,60}|[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})$")
]
NamedRelationModel = Annotated[str, Field(pattern=r"^[a-z]{2,3}_[a-z0-9_]{1,60}$")]
Rate = Annotated[float, Field(ge=1, le=1e9)]


class EmbedderToServe(Decision):
    """`name` is `minilm-int8`, `minilm` or a hub id; `revision` is the hub's. Folders only a command names."""

    name: NamedEmbedder
    revision: Revision | None = None


class EntityModelToServe(Decision):
    """`name` is a spaCy model's package, or a hub id of a token classification; `revision` is the hub's. Folders only a
    command names. `rate`: the most documents that are read in a second.
    """

    name: NamedEntityModel
    revision: Revision | None = None
    rate: Rate | None = None


class RelationModelToServe(Decision):
    """`name` is a spaCy model's package. Folders only a command names. `rate`: the most documents that are read in a
    second.
    """

    name: NamedRelationModel
    rate: Rate | None = None


async def change_embedder(request: Request, response: Response, wanted: EmbedderToServe) -> JobView:
    """Have another embedder serve: its vectors are made beside those that are searched, and take their place with it in
    one step; a job that is looked at by its id. Asked for again, one that was broken off goes on where it stood.
    """
    exchange, embedder = exchange_of(request.scope), services_of(request).embedder
    name = EmbedderName(wanted.name, wanted.revision)
    total = await embedder.total(exchange.caller, deadline=exchange.deadline)

    async def work(report: Report) -> dict[str, Any]:
        changed = await embedder.change(
            exchange.caller, name, report, reason=wanted.reason, deadline=Deadline.after(REBUILD_LIMIT_S)
        )
        return asdict(changed)

    return begun(response, services_of(request).jobs.start(exchange.caller, "change embedder", total, work))


async def change_entity_model(request: Request, response: Response, wanted: EntityModelToServe) -> JobView:
    """Have another model find entities: all documents are read by it while what the former one found is shown, then
    what it found is shown in one step; a job that is looked at by its id. Asked for again, one that was broken off goes
    on where it stood.
    """
    name = ExtractorName(wanted.name, wanted.revision)
    return await _change_reading(request, response, "entities", name, wanted.reason, wanted.rate)


async def change_relation_model(request: Request, response: Response, wanted: RelationModelToServe) -> JobView:
    """Have another model find relations, in the same way."""
    name = ExtractorName(wanted.name)
    return await _change_reading(request, response, "relations", name, wanted.reason, wanted.rate)


async def _change_reading(
    request: Request,
    response: Response,
    task: ReadingTask,
    name: ExtractorName,
    reason: str | None,
    rate: float | None,
) -> JobView:
    exchange, reading = exchange_of(request.scope), services_of(request).reading
    total = await reading.total(exchange.caller, deadline=exchange.deadline)

    async def work(report: Report) -> dict[str, Any]:
        changed = await reading.change(
            exchange.caller, task, name, report, reason=reason, rate=rate, deadline=Deadline.after(REBUILD_LIMIT_S)
        )
        return asdict(changed)

    return begun(response, services_of(request).jobs.start(exchange.caller, f"change {task}", total, work))


HANDLERS = {
    "embedder_changer": Handler(
        change_embedder,
        "system",
        "Have another embedder serve.",
        status=202,
        request={"name": "organisation/embedder", "revision": None, "reason": "it knows more languages"},
        example={**JOB, "kind": "change embedder"},
    ),
    "entity_model_changer": Handler(
        change_entity_model,
        "system",
        "Have another model find entities.",
        status=202,
        request={"name": "organisation/entities", "revision": None, "reason": "it knows places", "rate": 50},
        example={**JOB, "kind": "change entities"},
    ),
    "relation_model_changer": Handler(
        change_relation_model,
        "system",
        "Have another model find relations.",
        status=202,
        request={"name": "en_core_web_md", "reason": "it parses better"},
        example={**JOB, "kind": "change relations"},
    ),
}
