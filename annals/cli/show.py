"""`annals show`."""

from dataclasses import asdict

import click

from annals.cli.context import CommandContext, common, run_async
from annals.composition import Services
from annals.errors import NotFoundError
from annals.lookup import find_aggregate
from annals.session import session
from projections.graph.reads import Entity, Node
from projections.relational.reads import DocumentRow

EDGES = 20


@click.command("show", short_help="A document, or an entity and what is around it.")
@click.argument("id")
@common
def command(context: CommandContext, id: str) -> None:
    """Show the document of this ID (or path), or the entity of this name and what the documents say of it."""
    run_async(lambda: _show(context, id))


async def _show(context: CommandContext, given: str) -> None:
    async with session(context.settings) as opened:
        services = opened.services
        tenant = services.settings.tenant
        entities = await services.graph.find(tenant, [given])
        try:
            key = await find_aggregate(services, given, ["document"])
        except NotFoundError:
            if not entities:
                raise NotFoundError(f"there is no document and no entity {given!r}") from None
            await _entity(context, services, entities[0])
            return
        document = await services.relational.document(tenant, key.aggregate_id)
        if document is None:
            raise NotFoundError(f"document {key.aggregate_id} was deleted, or is still on its way; see: annals history")
        _document(context, document)


def _document(context: CommandContext, document: DocumentRow) -> None:
    context.give(asdict(document))
    context.say(document.title)
    context.say(f"  id          {document.document_id}")
    if document.uri:
        context.say(f"  uri         {document.uri}")
    context.say(f"  state       {document.stage} since {document.since:%Y-%m-%d %H:%M:%S}")
    context.say(f"  text        {document.characters} characters in {len(document.chunks)} chunks")
    for name, value in document.attributes.items():
        context.say(f"  {name:<11} {value}")
    context.say("Entities")
    for entity in document.entities:
        context.say(f"  {entity['name']} ({entity['type']}), {entity['mentions']} mentions")
    context.say("Relations")
    for relation in document.relations:
        context.say(f"  {relation['subject']} | {relation['predicate']} | {relation['object']}")


async def _entity(context: CommandContext, services: Services, entity: Entity) -> None:
    tenant = services.settings.tenant
    edges = await services.graph.neighbours(tenant, Node("entity", entity.entity_id), EDGES)
    ends = {end for edge in edges for end in (edge.source, edge.target)}
    passages = await services.passages.passages(tenant, [end.id for end in ends if end.kind == "passage"])
    around = await services.graph.entities(tenant, [end.id for end in ends if end.kind == "entity"])
    names = {node.entity_id: node.name for node in around}
    names |= {chunk_id: f"[{passage.title}]" for chunk_id, passage in passages.items()}
    found = [
        {"source": names.get(edge.source.id, ""), "label": edge.label, "target": names.get(edge.target.id, "")}
        for edge in edges
    ]
    context.give({**entity._asdict(), "edges": found})
    context.say(f"{entity.name} ({entity.type or 'of no known type'}), in {entity.passages} passages")
    for edge in found:
        context.say(f"  {edge['source']} | {edge['label']} | {edge['target']}")
