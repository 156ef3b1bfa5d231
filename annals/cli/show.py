"""`annals show`."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from annals.cli.at import at_option, parameters_of
from annals.cli.citing import cited
from annals.cli.context import CommandContext, run_async, served
from annals.cli.names import names_of
from annals.cli.usage import PlainError
from annals.cli.words import counted, time_of
from annals.folders import printable


@click.command("show")
@click.argument("id")
@click.option("--original", type=click.Path(path_type=Path), help="Write the bytes that it was read from to this file.")
@at_option
@served
def command(context: CommandContext, id: str, original: Path | None, at: str | None) -> None:
    """Show the document of this ID (or path), the chunk of this id with its place in the file and what stands around
    it, or the entity of this name and what the documents say of it.
    """
    if original is not None and at is not None:
        raise click.UsageError("--original does not go with --at: the bytes are those of today")
    if original is not None:
        run_async(lambda: _original(context, id, original))
    else:
        run_async(lambda: _show(context, id, at))


async def _original(context: CommandContext, given: str, file: Path) -> None:
    address = context.gateway()
    if address is None:
        from annals.cli.here import reading as here

        found = await here.original(context, given)
        document_id, content = found.document_id, found.content
    else:
        from client import reading as there
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            document_id, content = await there.original(gateway, names_of(given))
    write_new(file, content)
    size = len(content)
    context.say(f"{counted(size, 'byte')} of {document_id} written to {printable(file)}")
    context.give(
        {
            "document_id": document_id,
            "digest": sha256(content).hexdigest(),
            "bytes": size,
            "file": printable(file),
        }
    )


def write_new(file: Path, content: bytes) -> None:
    """All of it or nothing. Raises PlainError where the file is there already, or cannot be written."""
    try:
        with file.open("xb") as written:
            try:
                written.write(content)
                written.flush()
            except OSError:
                file.unlink(missing_ok=True)
                raise
    except FileExistsError:
        raise PlainError(f"{printable(file)} is there already; name another file") from None
    except OSError as error:
        raise PlainError(f"{printable(file)} cannot be written: {error.strerror or error}") from None


async def _show(context: CommandContext, given: str, at: str | None) -> None:
    address = context.gateway()
    if address is None:
        from annals.cli.here import reading as here

        found = await here.show(context, given, at)
    else:
        from client import reading as there
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            found = await there.show(gateway, names_of(given), **parameters_of(at))
    context.give(found)
    if "edges" in found:
        _entity(context, found)
    elif "before" in found:
        show_chunk(context, found)
    else:
        _document(context, found)


def _document(context: CommandContext, document: Mapping[str, Any]) -> None:
    context.say(document["title"])
    context.say(f"  id          {document['document_id']}")
    if document["uri"]:
        context.say(f"  uri         {document['uri']}")
    context.say(f"  state       {document['stage']} since {time_of(document['since']):%Y-%m-%d %H:%M:%S}")
    context.say(
        f"  text        {counted(document['characters'], 'character')} in {counted(len(document['chunks']), 'chunk')}"
    )
    for name, value in document["attributes"].items():
        context.say(f"  {name:<11} {value}")
    context.say("Entities")
    for entity in document["entities"]:
        context.say(f"  {entity['name']} ({entity['type']}), {counted(entity['mentions'], 'mention')}")
    context.say("Relations")
    for relation in document["relations"]:
        context.say(f"  {relation['subject']} | {relation['predicate']} | {relation['object']}{_manner(relation)}")


def _manner(relation: Mapping[str, Any]) -> str:
    """Whether and when it is so, behind the relation."""
    said = ["not"] if relation["negated"] else []
    if relation["modality"]:
        said.append(relation["modality"])
    if relation["valid_from"] or relation["valid_until"]:
        said.append(f"{relation['valid_from'] or ''}..{relation['valid_until'] or ''}")
    elif relation["time"]:
        said.append(relation["time"])
    if violates := relation.get("violates"):
        said.append(f"violates the ontology: {violates}")
    return f" ({', '.join(said)})" if said else ""


def show_chunk(context: CommandContext, chunk: Mapping[str, Any]) -> None:
    """Its text with what stands around it, line by line."""
    context.say(chunk["title"])
    context.say(f"  document    {chunk['document_id']}")
    context.say(f"  cited as    {cited(chunk)}")
    for heading, text in (("Before", chunk["before"]), ("Chunk", chunk["text"]), ("After", chunk["after"])):
        if text:
            context.say(heading)
        for line in text.splitlines():
            context.say(f"  {line}")


def _entity(context: CommandContext, entity: Mapping[str, Any]) -> None:
    kind = entity["type"] or "of no known type"
    context.say(f"{entity['name']} ({kind}), in {counted(entity['passages'], 'passage')}")
    for edge in entity["edges"]:
        context.say(f"  {edge['source']} | {edge['label']} | {edge['target']}")
