"""From a sentence that is sent until it can be asked: over HTTP, and by the use cases without HTTP."""

import statistics
from pathlib import Path

import httpx

from annals.composition.use_cases import UseCases
from bench.served import serving
from bench.servers import Figures, Stopwatch, quantiles
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.storage.interface import StoreDocumentRequest

TRIES = 30
WARM = 2
LIMIT_S = 60.0
NAMES = ("Ines", "Tobias", "Aurelia", "Calder", "Halden", "Philippa", "Rosalind", "Edmund")
"""First names, so that each sentence is about somebody else."""


async def measure(folder: Path) -> Figures:
    """Milliseconds until a document of one sentence is in every read model, which a question about it then shows."""
    by_http, by_use_case = [], []
    async with serving(folder) as (http, _, use_cases):
        for number in range(WARM + TRIES):
            # By turns, so that a busy machine is as busy for both.
            sent = await _by_http(http, f"http-{number}", _sentence(number))
            stored = await _by_use_case(use_cases, f"here-{number}", _sentence(WARM + TRIES + number))
            if number >= WARM:
                by_http.append(sent)
                by_use_case.append(stored)
        for number in (WARM, WARM + TRIES - 1):
            await _assert_asked(http, f"http-{number}", _sentence(number))
    return {
        "of": "time from a sentence sent by HTTP until it can be asked, to the same without HTTP (medians)",
        "ratio": round(statistics.median(by_http) / statistics.median(by_use_case), 3),
        "tries": TRIES,
        "milliseconds": {"http": quantiles(by_http), "use_case": quantiles(by_use_case)},
    }


def _sentence(number: int) -> str:
    return f"{NAMES[number % len(NAMES)]} Marlowe designed lighthouse number {number} at Port {NAMES[number % 7]}."


async def _by_http(http: httpx.AsyncClient, document_id: str, text: str) -> float:
    watch = Stopwatch()
    document = {"id": document_id, "title": document_id, "text": text}
    answer = await http.post("/api/v1/documents", json=document, headers={"prefer": "wait=25"})
    spent = watch.seconds * 1000
    answer.raise_for_status()
    # Without it the wait came to its end before the document was there.
    assert "wait" in answer.headers.get("preference-applied", ""), answer.text
    return spent


async def _by_use_case(use_cases: UseCases, document_id: str, text: str) -> float:
    caller = Caller("default", "bench", "bench", FULL_ACCESS)
    watch = Stopwatch()
    request = StoreDocumentRequest(document_id, document_id, text)
    await use_cases.services.storage.store_document(caller, request, Deadline.after(LIMIT_S))
    awaited = await use_cases.storage.waiting.until_projected(caller, [document_id], deadline=Deadline.after(LIMIT_S))
    spent = watch.seconds * 1000
    assert awaited.processed == 1, awaited
    return spent


async def _assert_asked(http: httpx.AsyncClient, document_id: str, text: str) -> None:
    answer = await http.post("/api/v1/reasoning/query", json={"query": f"What is said of {text.rstrip('.')}?"})
    answer.raise_for_status()
    sources = [source["document_id"] for source in answer.json()["sources"]]
    assert document_id in sources, (document_id, sources)
