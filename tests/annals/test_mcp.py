"""`annals mcp`: an assistant's client starts it and talks to it, as the official library does."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextResourceContents

from annals.token_file import read_admin_token
from tests.annals.conftest import Up
from tests.annals.pipeline import ROOT, environment, given, refused
from tests.annals.processes import until

WAYS = ("stdio", "http")


@asynccontextmanager
async def assistant(up: Up, way: str) -> AsyncIterator[Client]:
    """Over standard input and output, or over HTTP."""
    gateway = up.pipeline.addresses["gateway"]
    assert until(lambda: httpx2.get(f"{gateway}/health/ready").status_code == 200, limit_s=120)
    if way == "stdio":
        started = StdioServerParameters(
            command=sys.executable, args=["-m", "annals", "mcp", "--data", str(up.data)], env=environment(), cwd=ROOT
        )
        async with Client(stdio_client(started)) as client:
            yield client
        return
    token = {"authorization": f"Bearer {read_admin_token(up.data)}"}
    async with (
        httpx2.AsyncClient(headers=token, timeout=60) as http,
        Client(streamable_http_client(f"{gateway}/api/v1/mcp", http_client=http)) as client,
    ):
        yield client


def known(up: Up, document_id: str) -> bool:
    """Whether graph and vector read model have it."""
    counted = [
        f"(SELECT count(*) FROM {table} WHERE document_id = $1)" for table in ("graph.mentions", "vector.passages")
    ]
    return all(up.rows(f"SELECT {', '.join(counted)}", document_id)[0])


@pytest.mark.parametrize("way", WAYS)
async def test_tools_and_resources(up: Up, way: str) -> None:
    async with assistant(up, way) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == {"ask", "search", "show", "history", "ingest"}
        assert all(tool.description for tool in tools.values())
        asked = await client.call_tool("ask", {"question": "Who designed Skerry Point Lighthouse?"})
        assert not asked.is_error and "Ines Marlowe" in asked.structured_content["answer"]
        document = {
            "id": f"mcp/{way}",
            "title": "Orla Penn",
            "text": f"Orla Penn founded the Vell Observatory ({way}).",
        }
        taken = await client.call_tool("ingest", document)
        assert not taken.is_error and taken.structured_content["outcome"] == "ingested"
        assert await asyncio.to_thread(until, lambda: known(up, f"mcp/{way}"), 60)
        found = await client.call_tool("search", {"query": f"Vell Observatory {way}", "k": 1})
        assert found.structured_content["passages"][0]["document_id"] == f"mcp/{way}"
        events = await client.call_tool("history", {"id": f"mcp/{way}"})
        assert events.structured_content["events"][0]["event_type"] == "DocumentIngested"
        shown = await client.call_tool("show", {"name": "Orla Penn"})
        assert shown.structured_content["edges"]
        (read,) = (await client.read_resource(f"annals://documents/mcp%2F{way}")).contents
        assert isinstance(read, TextResourceContents)
        assert document["text"] in [chunk["text"] for chunk in json.loads(read.text)["chunks"]]


@pytest.mark.parametrize("way", WAYS)
def test_searches_are_those_of_the_gateway(up: Up, way: str) -> None:
    """Conditions, kinds, likeness, facets and pages give what the command gives."""
    document = given(up.data, "search", "glass", "-k", "1")["passages"][0]["document_id"]
    searches: list[tuple[dict[str, object], list[str]]] = [
        ({"query": f'glass document:"{document}"'}, [f'glass document:"{document}"']),
        ({"query": "Ines Marlowe", "mode": "graph"}, ["Ines Marlowe", "--mode", "graph"]),
        ({"query": '"Ines Marlowe"', "mode": "text"}, ['"Ines Marlowe"', "--mode", "text"]),
        ({"like": document, "facets": ["type"]}, ["--like", document, "--facet", "type"]),
    ]

    async def found() -> list[Any]:
        async with assistant(up, way) as client:
            every = [await client.call_tool("search", {**wanted, "k": 3}) for wanted, _ in searches]
            first = await client.call_tool("search", {"query": "Ines Marlowe", "k": 1})
            cursor = first.structured_content["next"]
            second = await client.call_tool("search", {"query": "Ines Marlowe", "k": 1, "cursor": cursor})
            return [one.structured_content for one in (*every, first, second)]

    *every, first, second = asyncio.run(found())
    assert every == [given(up.data, "search", *wanted, "-k", "3") for _, wanted in searches]
    assert all(one["passages"] for one in every) and first["passages"] != second["passages"] != []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("show", {"name": "nobody at all"}, "there is no document, no chunk and no entity"),
        ("ask", {"question": "   "}, "query"),
        ("ask", {}, "question"),
        ("search", {"query": "glass", "k": 0}, "k"),
        ("search", {"query": "glass", "mode": "magic"}, "mode"),
        ("search", {"query": "glass", "cursor": "x"}, "cursor"),
        ("search", {"like": "nothing at all"}, "there is no document and no passage"),
        ("ingest", {"id": "mcp/bad", "title": "x", "text": "\u0000"}, "text"),
    ],
)
async def test_what_is_wrong_is_told_and_the_rest_goes_on(
    up: Up, way: str, tool: str, arguments: dict[str, object], told: str
) -> None:
    async with assistant(up, way) as client:
        wrong = await client.call_tool(tool, arguments)
        assert wrong.is_error and told in str(wrong.content), wrong
        assert not (await client.call_tool("search", {"query": "glass"})).is_error


async def test_nobody_comes_in_without_a_token(up: Up) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    async with httpx2.AsyncClient(base_url=up.pipeline.addresses["gateway"]) as http:
        for headers in ({}, {"authorization": "Bearer ann_x_y"}):
            assert (await http.post("/api/v1/mcp", json=message, headers=headers)).status_code == 401


def test_without_a_gateway(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert refused(tmp_path_factory.mktemp("nothing"), "mcp").startswith("No gateway runs here")
