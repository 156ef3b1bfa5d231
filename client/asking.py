"""Asking and searching, by a gateway."""

from typing import Any

from client.gateway import Gateway


async def ask(gateway: Gateway, question: str, k: int, **more: Any) -> dict[str, Any]:
    """An answer, as `annals ask --json` gives it. `more` are fields of the request: `at`."""
    said = await gateway.send("POST", "/reasoning/query", json={"query": question, "max_sources": k, **more})
    how = said["processing_metadata"]
    return {
        "query_id": how["query_id"],
        "answer": said["answer"],
        "confidence": round(said["confidence"], 4),
        "sources": [_passage(source) for source in said["sources"]],
        "reasoning_chains": said["reasoning_chains"],
        "steps": said["steps"],
        "candidates": said["candidates"],
        "missing": said["missing"],
        "models": said["models"],
        "borne_out": said["borne_out"],
        "note": said["note"],
        "cached": how["cached"],
        "milliseconds": round(sum(how["timings"].values())),
        "recorded": how["recorded"],
    }


async def search(gateway: Gateway, query: str, k: int, **more: Any) -> dict[str, Any]:
    """What is found, best first. `more` are parameters of the endpoint: `mode`, `like`, `facet`, `cursor`, `at`."""
    found: dict[str, Any] = await gateway.get("/search", query=query, k=k, **more)
    shown = [{**_passage(passage), "highlights": passage["highlights"]} for passage in found["passages"]]
    return {**found, "passages": shown}


def _passage(passage: dict[str, Any]) -> dict[str, Any]:
    names = ("document_id", "title", "text", "score", "chunk_id", "start", "end", "citation")
    return {name: round(passage[name], 6) if name == "score" else passage[name] for name in names}
