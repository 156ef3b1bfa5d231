"""`annals mcp`: an assistant's client starts it and talks to it, as the official library does."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import TextResourceContents

from tests.annals.conftest import Up
from tests.annals.pipeline import ROOT, environment, refused
from tests.annals.processes import until


@asynccontextmanager
async def assistant(up: Up) -> AsyncIterator[Client]:
    """Over standard input and output."""
    assert until(lambda: httpx.get(f"{up.pipeline.addresses['gateway']}/health/ready").status_code == 200, limit_s=120)
    started = StdioServerParameters(
        command=sys.executable, args=["-m", "annals", "mcp", "--data", str(up.data)], env=environment(), cwd=str(ROOT)
    )
    async with Client(stdio_client(started)) as client:
        yield client


def known(up: Up, document_id: str) -> bool:
    """Whether graph and vector read model have it."""
    counted = [
        f"(SELECT count(*) FROM {table} WHERE document_id = $1)" for table in ("graph.mentions", "vector.passages")
    ]
    return all(up.rows(f"SELECT {', '.join(counted)}", document_id)[0])


async def test_tools_and_resources(up: Up) -> None:
    async with assistant(up) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == {"ask", "search", "show", "history", "ingest"}
        assert all(tool.description for tool in tools.values())
        asked = await client.call_tool("ask", {"question": "Who designed Skerry Point Lighthouse?"})
        assert not asked.is_error and "Ines Marlowe" in asked.structured_content["answer"]
        document = {"id": "mcp/one", "title": "Orla Penn", "text": "Orla Penn founded the Vell Observatory in 1901."}
        taken = await client.call_tool("ingest", document)
        assert not taken.is_error and taken.structured_content["outcome"] == "ingested"
        assert await asyncio.to_thread(until, lambda: known(up, "mcp/one"), 60)
        found = await client.call_tool("search", {"query": "Vell Observatory", "k": 1})
        assert found.structured_content["passages"][0]["document_id"] == "mcp/one"
        events = await client.call_tool("history", {"id": "mcp/one"})
        assert events.structured_content["events"][0]["event_type"] == "DocumentIngested"
        shown = await client.call_tool("show", {"name": "Orla Penn"})
        assert shown.structured_content["edges"]
        (read,) = (await client.read_resource("annals://documents/mcp%2Fone")).contents
        assert isinstance(read, TextResourceContents)
        assert document["text"] in [chunk["text"] for chunk in json.loads(read.text)["chunks"]]


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("show", {"name": "nobody at all"}, "there is no document and no entity"),
        ("ask", {"question": "   "}, "query"),
        ("ask", {}, "question"),
        ("search", {"query": "glass", "k": 0}, "k"),
        ("ingest", {"id": "mcp/bad", "title": "x", "text": "\u0000"}, "text"),
    ],
)
async def test_what_is_wrong_is_told_and_the_rest_goes_on(
    up: Up, tool: str, arguments: dict[str, object], told: str
) -> None:
    async with assistant(up) as client:
        wrong = await client.call_tool(tool, arguments)
        assert wrong.is_error and told in str(wrong.content), wrong
        assert not (await client.call_tool("search", {"query": "glass"})).is_error


def test_without_a_gateway(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert refused(tmp_path_factory.mktemp("nothing"), "mcp").startswith("No gateway runs here")
