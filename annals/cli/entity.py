"""`annals entity`: what documents speak of, and what people decide on it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from annals.cli.at import at_option, documents_at, parameters_of
from annals.cli.calls import look_up
from annals.cli.context import CommandContext, served
from annals.cli.corrections import decide, reason
from annals.cli.names import names_of
from annals.cli.paging import LIMIT_S, of_gateway, paged, tell_next
from annals.cli.words import counted
from client.decisions import Request
from client.gateway import segment
from projections.relational.reads import EntityFilter
from services.deadline import Deadline
from services.knowledge.entities import EntityService
from services.knowledge.views import EntityChange

if TYPE_CHECKING:
    from annals.composition.use_cases import UseCases

Change = Callable[[EntityService, Deadline], Awaitable[EntityChange]]


@click.group("entity")
def command() -> None:
    """Entities: the persons, places, works and things that documents speak of.

    An ENTITY is given by any of its names, or by its id; a name that several have is refused with their ids. What you
    decide is kept as an event with your reason, holds when a document is taken in again, and can be undone:

    \b
    annals entity merge "Robert Tables" "Bob Tables" --reason "his passport"
    annals entity undo "Robert Tables"
    """


def decided(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --reason and --wait, beside the common options."""
    wait = click.option("--wait", is_flag=True, help="Return once every read model has it.")
    return reason(wait(served(function)))


@command.command("list")
@click.argument("prefix", default="")
@click.option("--type", "type_", metavar="TYPE", help="Their type: PERSON, ORG, GPE and so on.")
@paged
@at_option
@served
def list_(
    context: CommandContext, prefix: str, type_: str | None, limit: int, after: str | None, at: str | None
) -> None:
    """The entities whose names begin with PREFIX, by name, a page at a time; without it, all.

    Upper and lower case are the same. What was merged is listed as what it became. `annals show NAME` tells what the
    documents say of one, `annals entity show NAME` what people decided on it.
    """
    wanted = EntityFilter(type_, prefix)

    async def here(use_cases: "UseCases", deadline: Deadline) -> dict[str, Any]:
        documents = await documents_at(use_cases, at, deadline)
        page = await documents.listing.entities(context.caller, wanted, after=after, limit=limit, deadline=deadline)
        return {"entities": [asdict(entity) for entity in page.entities], "next": page.next}

    given = {"type": type_, "name_prefix": prefix or None, **parameters_of(at)}
    page = look_up(context, here, "/entities", **given, limit=of_gateway(limit), cursor=after)
    context.give(page)
    for one in page["entities"]:
        context.say(_line(one))
    if not page["entities"]:
        context.say("no entities" if wanted == EntityFilter() and after is None else "no such entities")
    tell_next(context, page["next"])


@command.command("show")
@click.argument("entity")
@paged
@served
def show(context: CommandContext, entity: str, limit: int, after: str | None) -> None:
    """Names of ENTITY, every decision on it, by the number that it is undone by, and what was merged into it, a page at
    a time.
    """

    async def here(use_cases: "UseCases", deadline: Deadline) -> dict[str, Any]:
        found = await use_cases.knowledge.entities.show(
            context.caller, entity, after=after, limit=limit, deadline=deadline
        )
        return {**asdict(found), "decisions": [{**asdict(one), "at": one.at.isoformat()} for one in found.decisions]}

    found = look_up(context, here, f"/entities/{segment(entity)}/decisions", limit=of_gateway(limit), cursor=after)
    for one in found["decisions"]:
        one["at"] = datetime.fromisoformat(one["at"]).isoformat()
    context.give(found)
    context.say(_line(found))
    context.say(f"id: {found['entity_id']}")
    if found["aliases"]:
        context.say(f"aliases: {', '.join(found['aliases'])}")
    for member in found["members"]:
        context.say(f"merged into it: {member['name']} ({member['entity_id']})")
    for one in found["decisions"]:
        why = f" ({one['reason']})" if one["reason"] else ""
        state = "" if one["in_force"] else ", no longer in force"
        when = datetime.fromisoformat(one["at"])
        context.say(f"{one['version']}. {when:%Y-%m-%d %H:%M} {one['actor']}: {one['what']}{why}{state}")
    tell_next(context, found["next"])


@command.command("rename")
@click.argument("entity")
@click.argument("name", required=False)
@click.option("--type", "kind", metavar="TYPE", help="Its type: PERSON, ORG, GPE and so on.")
@decided
def rename(
    context: CommandContext, entity: str, name: str | None, kind: str | None, reason: str | None, wait: bool
) -> None:
    """Call ENTITY by NAME, or say of which type it is, whatever documents say. Its former names still find it."""
    _decide(
        context,
        entity,
        wait,
        lambda service, deadline: service.rename(
            context.caller, entity, name=name, kind=kind, reason=reason, deadline=deadline
        ),
        Request("PATCH", f"/entities/{segment(entity)}", {"name": name, "type": kind, "reason": reason}),
        lambda called, _: f"{called} is {' '.join(filter(None, ('now', name, kind and f'({kind})')))}",
    )


@command.command("alias")
@click.argument("entity")
@click.argument("alias")
@click.option("--remove", is_flag=True, help="Take the alias away again.")
@decided
def alias(context: CommandContext, entity: str, alias: str, remove: bool, reason: str | None, wait: bool) -> None:
    """Have ENTITY found by ALIAS as well, in questions, searches and commands."""
    _decide(
        context,
        entity,
        wait,
        lambda service, deadline: (service.remove_alias if remove else service.add_alias)(
            context.caller, entity, alias, reason=reason, deadline=deadline
        ),
        Request("DELETE", f"/entities/{segment(entity)}/aliases/{segment(alias)}", {"reason": reason})
        if remove
        else Request("POST", f"/entities/{segment(entity)}/aliases", {"alias": alias, "reason": reason}),
        lambda called, _: f"{called} is {'no longer' if remove else 'also'} called {alias}",
    )


@command.command("merge")
@click.argument("entity")
@click.argument("into")
@decided
def merge(context: CommandContext, entity: str, into: str, reason: str | None, wait: bool) -> None:
    """Say that ENTITY is the same as INTO: both are shown, counted and found as INTO from then on."""
    _decide(
        context,
        entity,
        wait,
        lambda service, deadline: service.merge(context.caller, entity, into, reason=reason, deadline=deadline),
        Request("POST", f"/entities/{segment(entity)}/merge", {"into": into, "reason": reason}),
        lambda called, done: f"{called} is now {into}; undo with: annals entity undo {done['entity_id']}",
    )


@command.command("split")
@click.argument("entity")
@click.option("--document", "documents", multiple=True, help="Id of a document that means another one; several times.")
@click.option("--name", help="What the other one is called, where the documents do not say.")
@decided
def split(
    context: CommandContext, entity: str, documents: Sequence[str], name: str | None, reason: str | None, wait: bool
) -> None:
    """Take out of ENTITY what some documents say: there the name means somebody else. A new entity is made of it.

    The documents go on meaning that one when they are taken in again. Without --document an ENTITY that was merged is
    taken out of what it was merged into.
    """
    named = [names_of(one) for one in documents]
    _decide(
        context,
        entity,
        wait,
        lambda service, deadline: service.split(
            context.caller, entity, named, name=name, reason=reason, deadline=deadline
        ),
        Request(
            "POST",
            f"/entities/{segment(entity)}/split",
            {"name": name, "reason": reason},
            named,
        ),
        lambda called, done: (
            f"{called} is split" + (f"; what these documents say is now of {done['into']}" if done["into"] else "")
        ),
    )


@command.command("undo")
@click.argument("entity")
@click.option("--decision", "version", type=click.IntRange(1), help="Its number (annals entity show); else the last.")
@decided
def undo(context: CommandContext, entity: str, version: int | None, reason: str | None, wait: bool) -> None:
    """Undo the last decision on ENTITY that is in force, or the one of a number: a name, a merge, a split, a judgement.

    A merge is undone on the one that was merged, by its name or id.
    """
    _decide(
        context,
        entity,
        wait,
        lambda service, deadline: service.undo(
            context.caller, entity, version=version, reason=reason, deadline=deadline
        ),
        Request("POST", f"/entities/{segment(entity)}/undo", {"decision": version, "reason": reason}),
        lambda called, _: f"undone: the {'last' if version is None else f'{version}.'} decision on {called}",
    )


@command.command("validate")
@click.argument("entity")
@click.option("--confidence", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="How sure you are.")
@decided
def validate(context: CommandContext, entity: str, confidence: float, reason: str | None, wait: bool) -> None:
    """Say that ENTITY is a real one; it ends a rejection, too."""
    _judge(context, entity, True, confidence, reason, wait)


@command.command("reject")
@click.argument("entity")
@click.option("--confidence", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="How sure you are.")
@decided
def reject(context: CommandContext, entity: str, confidence: float, reason: str | None, wait: bool) -> None:
    """Say that ENTITY is none: it is listed as rejected, not counted, and no answer is reached through it."""
    _judge(context, entity, False, confidence, reason, wait)


def _judge(
    context: CommandContext, entity: str, valid: bool, confidence: float, reason: str | None, wait: bool
) -> None:
    _decide(
        context,
        entity,
        wait,
        lambda service, deadline: service.validate(
            context.caller, entity, valid=valid, confidence=confidence, reason=reason, deadline=deadline
        ),
        Request(
            "POST",
            f"/entities/{segment(entity)}/judgement",
            {"valid": valid, "confidence": confidence, "reason": reason},
        ),
        lambda called, _: f"{called} is {'validated' if valid else 'rejected'}",
    )


def _decide(
    context: CommandContext,
    entity: str,
    wait: bool,
    call: Change,
    wanted: Request,
    told: Callable[[str, dict[str, Any]], str],
) -> None:
    """`told` gets what the entity is called, and what came of it. A gateway calls it as the command did."""
    done = decide(
        context,
        lambda use_cases, deadline: call(use_cases.knowledge.entities, deadline),
        asdict,
        wanted,
        limit_s=LIMIT_S,
        wait=wait,
    )
    called = done.get("name", entity)
    context.say(told(called, done) if done["position"] is not None else f"{called} is so already; nothing changed")
    context.give({"entity": done["entity_id"], "into": done["into"], "changed": done["position"] is not None})


def _line(one: Mapping[str, Any]) -> str:
    judged = {True: ", validated", False: ", rejected", None: ""}[one["valid"]]
    of = one["type"] or "of no known type"
    counts = f"{counted(one['mentions'], 'mention')} in {counted(one['documents'], 'document')}"
    return f"{one['name']} ({of}), {counts}{judged}"
