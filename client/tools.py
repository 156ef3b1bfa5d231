"""Tools and resources for assistants: the Model Context Protocol over a gateway.

Every call is a request to the gateway with the assistant's own token, so permissions, limits and the audit log are the
same as for anybody else.
"""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from pydantic import Field

from client import asking, reading
from client.gateway import Gateway, GatewayError
from contracts.errors import AnnalsError

OpenGateway = Callable[[Context], AbstractAsyncContextManager[Gateway]]

INSTRUCTIONS = (
    "Documents that were taken in, and what is known from them. `ask` answers a question with its sources; `search` "
    "finds passages; `show` tells of one document or entity; `history` tells what happened to one; `ingest` takes a "
    "document in."
)

QUERY = (
    'Words; "a phrase"; a prefix*; -without. Conditions on documents: document:ID, source:URI (a prefix), type:T, '
    "language:L, collection:C, meta:NAME=VALUE, after:2026-01-05, before:2026-02-01; a value with spaces is quoted: "
    'meta:"author=Ada Lovelace". None is a wrong query.'
)


def tools_server(open_gateway: OpenGateway) -> MCPServer:
    """`open_gateway` opens the gateway as the one who calls."""
    server = MCPServer("annals", title="Annals", instructions=INSTRUCTIONS, log_level="WARNING")

    @server.tool()
    async def ask(
        context: Context,
        question: Annotated[str, Field(min_length=1, description="In words, as a person asks.")],
        max_sources: Annotated[int, Field(ge=1, le=50)] = 5,
    ) -> dict[str, Any]:
        """Answer a question from the documents, with its confidence in 0..1 and its sources.

        `candidates` that contradict the answer say so, with the dates of their documents.
        Where `borne_out` is false, a model worded the answer and the sources do not bear it out.
        """
        return await _told(open_gateway(context), lambda gateway: asking.ask(gateway, question, max_sources))

    @server.tool()
    async def search(
        context: Context,
        query: Annotated[str, Field(max_length=4096, description=QUERY)] = "",
        k: Annotated[int, Field(ge=1, le=100, description="How many passages of a page.")] = 10,
        mode: Annotated[
            Literal["hybrid", "text", "vector", "graph"],
            Field(description="By meaning and words (hybrid), words, meaning, or nearness in the graph to its names."),
        ] = "hybrid",
        like: Annotated[
            str | None, Field(description="Id of a document or passage to find the like of; the query only limits it.")
        ] = None,
        facets: Annotated[
            list[str] | None, Field(max_length=8, description="Attributes to count the documents found by.")
        ] = None,
        cursor: Annotated[str | None, Field(description="`next` of the page before; the rest as for that one.")] = None,
    ) -> dict[str, Any]:
        """Find passages, best first, in pages: by meaning and words, under conditions on their documents."""
        more = {"mode": mode, "like": like, "facet": facets or [], "cursor": cursor}
        return await _told(open_gateway(context), lambda gateway: asking.search(gateway, query, k, **more))

    @server.tool()
    async def show(
        context: Context, name: Annotated[str, Field(min_length=1, description="A document's id, or an entity's name.")]
    ) -> dict[str, Any]:
        """A document with its chunks, entities and relations, or an entity with what is around it."""
        return await _told(open_gateway(context), lambda gateway: reading.show(gateway, [name]))

    @server.tool()
    async def history(
        context: Context, id: Annotated[str, Field(min_length=1, description="Of a document, entity or question.")]
    ) -> dict[str, Any]:
        """Every event of one document, entity or question, oldest first."""
        return await _told(open_gateway(context), lambda gateway: reading.history(gateway, [id]))

    @server.tool()
    async def ingest(
        context: Context,
        id: Annotated[str, Field(min_length=1, description="The same id is the same document: an update.")],
        title: Annotated[str, Field(min_length=1)],
        text: Annotated[str, Field(min_length=1)],
        uri: str | None = None,
        attributes: dict[str, str | int | float | bool] | None = None,
    ) -> dict[str, Any]:
        """Take a document in. It can be asked as soon as it is processed, which takes a moment."""
        document = {"id": id, "title": title, "text": text, "uri": uri, "attributes": attributes or {}}
        given = {name: value for name, value in document.items() if value is not None}
        return await _told(open_gateway(context), lambda gateway: gateway.send("POST", "/documents", json=given))

    @server.resource("annals://documents/{document_id}", mime_type="application/json")
    async def document(document_id: str, context: Context) -> str:
        """A document with the text of its passages; a `/` in the id is written `%2F`."""
        try:
            async with open_gateway(context) as gateway:
                return json.dumps(await reading.whole(gateway, document_id), ensure_ascii=False)
        except AnnalsError as error:
            raise ResourceError(str(error)) from None

    return server


async def _told(opening: AbstractAsyncContextManager[Gateway], asked: Callable[[Gateway], Any]) -> dict[str, Any]:
    """What the gateway says, or why not, in words for the assistant."""
    try:
        async with opening as gateway:
            answer: dict[str, Any] = await asked(gateway)
            return answer
    except (GatewayError, AnnalsError) as error:
        raise ToolError(str(error)) from None
