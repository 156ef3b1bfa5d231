"""A document in, a question asked, over HTTP: `python examples/clients/client.py`, with ANNALS_TOKEN."""

import os
import uuid

import httpx

server = os.environ.get("ANNALS_SERVER", "http://127.0.0.1:8420")
headers = {"authorization": f"Bearer {os.environ['ANNALS_TOKEN']}"}

with httpx.Client(base_url=server, headers=headers, timeout=60) as http:
    document = {
        "id": "examples/lovelace",
        "title": "Ada Lovelace",
        "text": "Ada Lovelace wrote the first program for the Analytical Engine.",
    }
    # Sent again with the same key, it is done once; with Prefer, it can be asked as soon as this answers.
    once = {"idempotency-key": str(uuid.uuid4()), "prefer": "wait=25"}
    http.post("/api/v1/documents", json=document, headers=once).raise_for_status()
    answer = http.post("/api/v1/reasoning/query", json={"query": "Who wrote the first program?"})
    print(answer.raise_for_status().json()["answer"])
