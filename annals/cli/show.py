"""`annals show`."""

from dataclasses import asdict

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.names import names_of
from annals.cli.words import counted
from annals.session import session
from projections.relational.reads import DocumentRow
from services.deadline import Deadline
from services.storage.show import EntityView

LIMIT_S = 30.0


@click.command("show", short_help="A document, or an entity and what is around it.")
@click.argument("id")
@common
def command(context: CommandContext, id: str) -> None:
    """Show the document of this ID (or path), or the entity of this name and what the documents say of it."""
    run_async(lambda: _show(context, id))


async def _show(context: CommandContext, given: str) -> None:
    async with session(context.settings) as opened:
        found = await opened.use_cases.storage.show.show(context.caller, names_of(given), Deadline.after(LIMIT_S))
    if isinstance(found, EntityView):
        _entity(context, found)
    else:
        _document(context, found)


def _document(context: CommandContext, document: DocumentRow) -> None:
    context.give(asdict(document))
    context.say(document.title)
    context.say(f"  id          {document.document_id}")
    if document.uri:
        context.say(f"  uri         {document.uri}")
    context.say(f"  state       {document.stage} since {document.since:%Y-%m-%d %H:%M:%S}")
    context.say(
        f"  text        {counted(document.characters, 'character')} in {counted(len(document.chunks), 'chunk')}"
    )
    for name, value in document.attributes.items():
        context.say(f"  {name:<11} {value}")
    context.say("Entities")
    for entity in document.entities:
        context.say(f"  {entity['name']} ({entity['type']}), {counted(entity['mentions'], 'mention')}")
    context.say("Relations")
    for relation in document.relations:
        context.say(f"  {relation['subject']} | {relation['predicate']} | {relation['object']}")


def _entity(context: CommandContext, view: EntityView) -> None:
    entity, edges = view.entity, view.edges
    context.give({**entity._asdict(), "edges": [asdict(edge) for edge in edges]})
    context.say(f"{entity.name} ({entity.type or 'of no known type'}), in {counted(entity.passages, 'passage')}")
    for edge in edges:
        context.say(f"  {edge.source} | {edge.label} | {edge.target}")
