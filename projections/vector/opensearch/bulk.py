"""Many documents in few requests, with what came of each."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opensearchpy import AsyncOpenSearch

from contracts.batches import batches
from eventstore.errors import StoreUnavailableError
from projections.errors import ReadModelReplacedError, UnfoldableEventError
from projections.vector.opensearch.client import BULK_LIMIT_S, BUSY, WriteBlockedError, faults
from projections.vector.opensearch.index import writing

CHUNK_BYTES = 4_000_000
NAMED = 5

Action = tuple[Mapping[str, Any], Mapping[str, Any] | None]
"""What to do with a document, and the document (None for a delete)."""


class RefusedItemsError(UnfoldableEventError):
    """OpenSearch will not take some documents; the message names them."""


@dataclass(frozen=True, slots=True)
class BulkFailure:
    """One item that failed."""

    id: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class BulkIndexResponse:
    """What came of a bulk request: milliseconds in the server, whether any item failed, how many items there were.

    `conflicts` are the ids of items that a newer version was there before; `failures` all others that failed.
    """

    took: int
    errors: bool
    items: int
    conflicts: tuple[str, ...] = ()
    failures: tuple[BulkFailure, ...] = ()

    def __add__(self, other: "BulkIndexResponse") -> "BulkIndexResponse":
        return BulkIndexResponse(
            self.took + other.took,
            self.errors or other.errors,
            self.items + other.items,
            self.conflicts + other.conflicts,
            self.failures + other.failures,
        )


NOTHING = BulkIndexResponse(0, False, 0)


async def write_bulk(
    client: AsyncOpenSearch, index: str, actions: Iterable[Action], *, refresh: bool = False
) -> BulkIndexResponse:
    """Do all actions in an index; `refresh` makes them seen. A newer version that is there already is no failure.

    The next chunk is made ready while the server works on this one. Raises StoreUnavailableError,
    ReadModelReplacedError where the index
    is gone, RefusedItemsError.
    """
    total = NOTHING
    chunks = _chunks(actions)
    body = await asyncio.to_thread(next, chunks, None)
    while body is not None:
        response, body = await asyncio.gather(
            _send(client, index, body, refresh), asyncio.to_thread(next, chunks, None)
        )
        total += response
    raise_for_failures(total)
    return total


def _chunks(actions: Iterable[Action]) -> Iterator[bytes]:
    written = (_line(action) if document is None else _line(action) + _line(document) for action, document in actions)
    return map(b"".join, batches(written, len, max_bytes=CHUNK_BYTES))


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


async def _send(client: AsyncOpenSearch, index: str, body: bytes, refresh: bool) -> BulkIndexResponse:
    params = {"require_alias": "true", "refresh": "true" if refresh else "false", "request_timeout": BULK_LIMIT_S}
    with faults():
        answer = await client.bulk(body=body, index=writing(index), params=params)
    return bulk_response(answer)


def bulk_response(answer: Mapping[str, Any]) -> BulkIndexResponse:
    """What the server's answer says."""
    outcomes = [outcome for item in answer["items"] for outcome in item.values()] if answer["errors"] else []
    bad = [outcome for outcome in outcomes if "error" in outcome]
    return BulkIndexResponse(
        took=answer["took"],
        errors=answer["errors"],
        items=len(answer["items"]),
        conflicts=tuple(outcome["_id"] for outcome in bad if outcome["status"] == 409),
        failures=tuple(
            BulkFailure(outcome["_id"], outcome["status"], f"{outcome['error']['type']}: {outcome['error']['reason']}")
            for outcome in bad
            if outcome["status"] != 409
        ),
    )


def raise_for_failures(response: BulkIndexResponse) -> None:
    """Raises StoreUnavailableError, ReadModelReplacedError or RefusedItemsError, by whose fault it is."""
    failures = response.failures
    if not failures:
        return
    named = "; ".join(f"{failure.id}: {failure.status} {failure.reason[:200]}" for failure in failures[:NAMED])
    message = f"{len(failures)} of {response.items} items failed: {named}"
    if any(failure.reason.startswith("index_not_found_exception") for failure in failures):
        raise ReadModelReplacedError()
    if any(failure.reason.startswith("cluster_block_exception") for failure in failures):
        raise WriteBlockedError()
    if any(failure.reason.startswith("security_exception") for failure in failures):
        # Rights that were taken away are no fault of the events: they wait until they are given back.
        raise StoreUnavailableError(f"OpenSearch refuses us: {message}")
    if all(failure.status in BUSY for failure in failures):
        raise StoreUnavailableError(message)
    raise RefusedItemsError(message)
