"""`annals relation`."""

from dataclasses import asdict

import click

from annals.cli.at import at_option, documents_at
from annals.cli.calls import ask
from annals.cli.context import CommandContext, common
from annals.cli.corrections import correct, look, reason
from annals.cli.paging import paged, tell_next
from annals.composition.use_cases import UseCases
from projections.relational.reads import RelationFilter, RelationRow
from services.corrections.relations import OrphanedJudgement
from services.deadline import Deadline
from services.storage.parts import RelationPage

JUDGED = {None: "", True: "  [right]", False: "  [wrong]"}


@click.group("relation", short_help="Relations: list, show, correct, validate, reject, undo.")
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
@common
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
        if any(one is not None for one in (document, entity, predicate, after, at)):
            raise click.UsageError("--orphaned goes with no other choice")
        _orphaned(context)
    else:
        _list(context, RelationFilter(document, entity, predicate), limit, after, at)


def _list(context: CommandContext, wanted: RelationFilter, limit: int, after: str | None, at: str | None) -> None:
    async def listed(use_cases: UseCases, deadline: Deadline) -> RelationPage:
        documents = await documents_at(use_cases, at, deadline)
        return await documents.parts.relations(context.caller, wanted, after=after, limit=limit, deadline=deadline)

    page = ask(context, listed, read_models=True)
    context.give({"relations": [asdict(one) for one in page.relations], "next": page.next})
    for one in page.relations:
        context.say(f"{one.relation_id}  {_spoken(one)}")
    if not page.relations:
        context.say("no relations")
    tell_next(context, page.next)


def _orphaned(context: CommandContext) -> None:
    found = look(context, lambda service, deadline: service.relations.orphaned(context.caller, deadline=deadline))
    context.give({"orphaned": [_described(one) for one in found]})
    for one in found:
        statement = one.judgement.statement
        stated = "" if statement is None else f"{statement.subject} | {statement.predicate} | {statement.object}"
        context.say(f"{one.judgement.relation_id}  {stated}{JUDGED[one.judgement.valid]}  was in {one.document_id}")
    if not found:
        context.say("no orphaned decisions")


@command.command("derived")
@click.argument("entity")
@click.option("--predicate", help="With this predicate.")
@paged
@common
def derived(context: CommandContext, entity: str, predicate: str | None, limit: int, after: str | None) -> None:
    """What follows of ENTITY by the ontology (setting `ontology`) and no document states, with what it follows from."""
    found = ask(
        context,
        lambda use_cases, deadline: use_cases.knowledge.derived.of(
            context.caller, entity, predicate=predicate, after=after, limit=limit, deadline=deadline
        ),
        read_models=True,
    )
    context.give(asdict(found))
    for one in found.relations:
        context.say(f"{one.subject} | {one.predicate} | {one.object}  [derived: {one.rule}, {one.confidence:.2f}]")
        context.say(f"  from {', '.join(one.because)}")
    if not found.relations:
        context.say("nothing follows")
    if not found.whole:
        context.note("it has more relations than are looked at, so this is a part of what follows")
    tell_next(context, found.next)


@command.command("show")
@click.argument("id")
@common
def show(context: CommandContext, id: str) -> None:
    """The relation of this ID, and the sentence that states it."""
    found = look(context, lambda service, deadline: service.relations.show(context.caller, id, deadline=deadline))
    context.give({**asdict(found.relation), "sentence": found.sentence})
    context.say(_spoken(found.relation))
    context.say(
        f"  document    {found.relation.document_id}, characters {found.relation.start} to {found.relation.end}"
    )
    context.say(f"  confidence  {found.relation.confidence:.2f}")
    if found.relation.violates is not None:
        context.say(f"  ontology    violated: {found.relation.violates}")
    if found.sentence is not None:
        context.say(f"  {found.sentence}")


@command.command("correct")
@click.argument("id")
@click.option("--predicate", help="What it states instead.")
@click.option("--confidence", type=click.FloatRange(0, 1), help="How sure it is.")
@reason
@common
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
    )


@command.command("validate")
@click.argument("id")
@reason
@common
def validate(context: CommandContext, id: str, reason: str | None) -> None:
    """Call the relation of this ID right."""
    _judge(context, id, True, reason)


@command.command("reject")
@click.argument("id")
@reason
@common
def reject(context: CommandContext, id: str, reason: str | None) -> None:
    """Call the relation of this ID wrong: it is no edge of the graph any more, and is not counted."""
    _judge(context, id, False, reason)


@command.command("undo")
@click.argument("id")
@reason
@common
def undo(context: CommandContext, id: str, reason: str | None) -> None:
    """Take back whatever was decided on the relation of this ID."""
    correct(
        context,
        "as it was found",
        lambda service, deadline: service.relations.undo(context.caller, id, reason=reason, deadline=deadline),
    )


def _judge(context: CommandContext, relation_id: str, valid: bool, reason: str | None) -> None:
    correct(
        context,
        "called right" if valid else "called wrong",
        lambda service, deadline: service.relations.judge(
            context.caller, relation_id, valid=valid, reason=reason, deadline=deadline
        ),
    )


def _spoken(one: RelationRow) -> str:
    flagged = "" if one.violates is None else "  [violates the ontology]"
    return f"{one.subject} | {one.predicate} | {one.object}{JUDGED[one.valid]}{flagged}"


def _described(one: OrphanedJudgement) -> dict[str, object]:
    judgement = one.judgement
    return {
        "document_id": one.document_id,
        "relation_id": judgement.relation_id,
        "statement": None if judgement.statement is None else judgement.statement.model_dump(),
        "predicate": judgement.predicate,
        "confidence": judgement.confidence,
        "valid": judgement.valid,
        "reason": judgement.judged_because or judgement.corrected_because,
    }
