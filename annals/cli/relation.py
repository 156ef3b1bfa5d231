"""`annals relation`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from annals.cli.at import at_option, documents_at, parameters_of
from annals.cli.calls import look_up
from annals.cli.context import CommandContext, served
from annals.cli.corrections import correct, reason
from annals.cli.paging import of_gateway, paged, tell_next
from client.decisions import Request
from client.gateway import segment
from projections.relational.reads import RelationFilter
from services.deadline import Deadline

if TYPE_CHECKING:
    from annals.composition.use_cases import UseCases

JUDGED = {None: "", True: "  [right]", False: "  [wrong]"}


@click.group("relation")
def command() -> None:
    """What documents state, and what people decide on it.

    A decision stays when its document is taken in again: with the same statement, wherever it then is. Where the
    document states it no more the decision is orphaned (`annals relation list --orphaned`) until it does again.
    """


@command.command("list")
@click.option("--document", help="Stated by the document of this id.")
@click.option("--entity", help="With the entity of this id at either end.")
@click.option("--predicate", help="With this predicate.")
@click.option("--orphaned", is_flag=True, help="Decisions on what no document states any more, instead.")
@paged
@at_option
@served
def list_(
    context: CommandContext,
    document: str | None,
    entity: str | None,
    predicate: str | None,
    orphaned: bool,
    limit: int,
    after: str | None,
    at: str | None,
) -> None:
    """Relations with their ids, by document, a page at a time."""
    if orphaned:
        if any(one is not None for one in (document, entity, predicate, at)):
            raise click.UsageError("--orphaned goes with no other choice")
        _orphaned(context, limit, after)
    else:
        _list(context, RelationFilter(document, entity, predicate), limit, after, at)


def _list(context: CommandContext, wanted: RelationFilter, limit: int, after: str | None, at: str | None) -> None:
    async def here(use_cases: "UseCases", deadline: Deadline) -> dict[str, Any]:
        documents = await documents_at(use_cases, at, deadline)
        page = await documents.parts.relations(context.caller, wanted, after=after, limit=limit, deadline=deadline)
        return {"relations": [asdict(one) for one in page.relations], "next": page.next}

    page = look_up(
        context,
        here,
        "/relations",
        document=wanted.document_id,
        entity=wanted.entity_id,
        predicate=wanted.predicate,
        limit=of_gateway(limit),
        cursor=after,
        **parameters_of(at),
    )
    context.give(page)
    for one in page["relations"]:
        context.say(f"{one['relation_id']}  {_spoken(one)}")
    if not page["relations"]:
        context.say("no relations")
    tell_next(context, page["next"])


def _orphaned(context: CommandContext, limit: int, after: str | None) -> None:
    async def here(use_cases: "UseCases", deadline: Deadline) -> dict[str, Any]:
        page = await use_cases.corrections.relations.orphaned(
            context.caller, after=after, limit=limit, deadline=deadline
        )
        return {"orphaned": [one.told() for one in page.orphaned], "next": page.next}

    page = look_up(context, here, "/orphaned/relations", limit=of_gateway(limit), cursor=after)
    context.give(page)
    for one in page["orphaned"]:
        statement = one["statement"]
        stated = (
            "" if statement is None else f"{statement['subject']} | {statement['predicate']} | {statement['object']}"
        )
        context.say(f"{one['relation_id']}  {stated}{JUDGED[one['valid']]}  was in {one['document_id']}")
    if not page["orphaned"]:
        context.say("no orphaned decisions")
    tell_next(context, page["next"])


@command.command("derived")
@click.argument("entity")
@click.option("--predicate", help="With this predicate.")
@paged
@served
def derived(context: CommandContext, entity: str, predicate: str | None, limit: int, after: str | None) -> None:
    """What follows of ENTITY by the ontology (setting `ontology`) and no document states, with what it follows from."""

    async def here(use_cases: "UseCases", deadline: Deadline) -> dict[str, Any]:
        return asdict(
            await use_cases.knowledge.derived.of(
                context.caller, entity, predicate=predicate, after=after, limit=limit, deadline=deadline
            )
        )

    path = f"/entities/{segment(entity)}/derived-relations"
    page = look_up(context, here, path, predicate=predicate, limit=of_gateway(limit), cursor=after)
    context.give(page)
    for one in page["relations"]:
        stated = f"{one['subject']} | {one['predicate']} | {one['object']}"
        context.say(f"{stated}  [derived: {one['rule']}, {one['confidence']:.2f}]")
        context.say(f"  from {', '.join(one['because'])}")
    if not page["relations"]:
        context.say("nothing follows")
    if not page["whole"]:
        context.note("it has more relations than are looked at, so this is a part of what follows")
    tell_next(context, page["next"])


@command.command("show")
@click.argument("id")
@served
def show(context: CommandContext, id: str) -> None:
    """The relation of this ID, and the sentence that states it."""

    async def here(use_cases: "UseCases", deadline: Deadline) -> dict[str, Any]:
        return asdict(await use_cases.corrections.relations.show(context.caller, id, deadline=deadline))

    found = look_up(context, here, f"/relations/{segment(id)}")
    relation, sentence = found["relation"], found["sentence"]
    context.give({**relation, "sentence": sentence})
    context.say(_spoken(relation))
    context.say(f"  document    {relation['document_id']}, characters {relation['start']} to {relation['end']}")
    context.say(f"  confidence  {relation['confidence']:.2f}")
    if relation["violates"] is not None:
        context.say(f"  ontology    violated: {relation['violates']}")
    if sentence is not None:
        context.say(f"  {sentence}")


@command.command("correct")
@click.argument("id")
@click.option("--predicate", help="What it states instead.")
@click.option("--confidence", type=click.FloatRange(0, 1), help="How sure it is.")
@reason
@served
def correct_(
    context: CommandContext, id: str, predicate: str | None, confidence: float | None, reason: str | None
) -> None:
    """Give the relation of this ID another predicate, or confidence."""
    correct(
        context,
        "corrected",
        lambda service, deadline: service.relations.correct(
            context.caller, id, predicate=predicate, confidence=confidence, reason=reason, deadline=deadline
        ),
        Request(
            "PATCH",
            f"/relations/{segment(id)}",
            {"predicate": predicate, "confidence": confidence, "reason": reason},
        ),
    )


@command.command("validate")
@click.argument("id")
@reason
@served
def validate(context: CommandContext, id: str, reason: str | None) -> None:
    """Call the relation of this ID right."""
    _judge(context, id, True, reason)


@command.command("reject")
@click.argument("id")
@reason
@served
def reject(context: CommandContext, id: str, reason: str | None) -> None:
    """Call the relation of this ID wrong: it is no edge of the graph any more, and is not counted."""
    _judge(context, id, False, reason)


@command.command("undo")
@click.argument("id")
@reason
@served
def undo(context: CommandContext, id: str, reason: str | None) -> None:
    """Take back whatever was decided on the relation of this ID."""
    correct(
        context,
        "as it was found",
        lambda service, deadline: service.relations.undo(context.caller, id, reason=reason, deadline=deadline),
        Request("POST", f"/relations/{segment(id)}/undo", {"reason": reason}),
    )


def _judge(context: CommandContext, relation_id: str, valid: bool, reason: str | None) -> None:
    correct(
        context,
        "called right" if valid else "called wrong",
        lambda service, deadline: service.relations.judge(
            context.caller, relation_id, valid=valid, reason=reason, deadline=deadline
        ),
        Request("POST", f"/relations/{segment(relation_id)}/judgement", {"valid": valid, "reason": reason}),
    )


def _spoken(one: Mapping[str, Any]) -> str:
    flagged = "" if one["violates"] is None else "  [violates the ontology]"
    return f"{one['subject']} | {one['predicate']} | {one['object']}{JUDGED[one['valid']]}{flagged}"
