"""A subject in more documents than one request takes is erased by several."""

import json

import httpx

from client.gateway import Gateway
from client.subjects import MOST_DOCUMENTS, erase


async def test_each_part_is_sent_once_and_what_went_is_added_up() -> None:
    sent: list[list[str]] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        documents = json.loads(request.content)["documents"]
        sent.append(documents)
        found = {"documents": documents, "questions": 1, "entities": 2, "keys": 3, "in_the_clear": 0}
        return httpx.Response(200, json={**found, "left": ["new"]})

    documents = [f"d{number}" for number in range(2 * MOST_DOCUMENTS + 1)]
    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway), base_url="http://gateway") as http:
        done = await erase(Gateway("http://gateway", http), ["Ada"], documents, "asked for")
    assert [len(part) for part in sent] == [MOST_DOCUMENTS, MOST_DOCUMENTS, 1]
    assert done == {
        "documents": documents, "questions": 3, "entities": 6, "keys": 9, "in_the_clear": 0, "left": ["new"],
    }  # fmt: skip
