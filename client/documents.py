"""Documents taken in, followed and deleted, by a gateway."""

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from client.gateway import (
    AWAY_LIMIT_S,
    Gateway,
    GatewayAbsentError,
    GatewayError,
    GatewayNotFoundError,
    GatewayUnavailableError,
    segment,
)
from contracts.errors import AnnalsError

BATCH = 1000
"""Documents of one request. Its answer has to fit what a connection buffers: it is read when all is sent."""
BATCH_SIZE = 8 * 1024 * 1024
"""Characters of their texts."""
WAIT_S = 2
"""How long the gateway is asked to wait for documents before it says how far they are."""
PAUSE_S = 0.3
STALL_LIMIT_S = 600.0


class StandstillError(AnnalsError):
    """Documents got no further for ten minutes; see `annals status` there."""


@dataclass
class Followed:
    """`failed`: why those will not be processed before somebody acts, by id."""

    processed: int = 0
    failed: dict[str, str] = field(default_factory=dict)


async def take(gateway: Gateway, documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """At most BATCH documents; for each its `outcome`, or the `problem` that it has.

    Those that no database could take are sent again. Raises GatewayUnavailableError where that does not help.
    """
    clock = asyncio.get_running_loop().time
    began, said = clock(), await _take(gateway, documents)
    while away := [index for index, answer in enumerate(said) if _is_away(answer)]:
        if clock() - began > AWAY_LIMIT_S:
            raise GatewayUnavailableError(f"{said[away[0]]['problem']['detail']}; see: annals status")
        await asyncio.sleep(random.uniform(0.5, 2.0))
        for index, answer in zip(away, await _take(gateway, [documents[index] for index in away]), strict=True):
            said[index] = answer
    return said


def _is_away(answer: Mapping[str, Any]) -> bool:
    return answer.get("problem", {}).get("status") in (429, 503, 504)


async def _take(gateway: Gateway, documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    lines = "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)
    kind = {"content-type": "application/x-ndjson"}
    said = await gateway.send_lines("/documents/lines", lines.encode("utf-8", "surrogatepass"), kind)
    if len(said) != len(documents):
        raise GatewayError(f"the gateway answered {len(said)} of {len(documents)} documents; take them in again")
    return said


async def follow(gateway: Gateway, ids: Sequence[str], report: Callable[[int], None]) -> Followed:
    """Until each is processed, gone, or set aside. `report` gets how many that are. Raises StandstillError."""
    waiting, followed = list(ids), Followed()
    clock = asyncio.get_running_loop().time
    moved = clock()
    while waiting:
        left, began = list[str](), clock()
        for start in range(0, len(waiting), BATCH):
            wanted = {"documents": waiting[start : start + BATCH]}
            # It waits for the last of them alone: the others are done by then, or waited for the next time.
            headers = {"prefer": f"wait={WAIT_S}"} if start + BATCH >= len(waiting) else {}
            try:
                found = await gateway.send("POST", "/processing/progress", json=wanted, headers=headers)
            except (GatewayAbsentError, GatewayUnavailableError):
                # What was taken in goes on by itself once everything is back: so does whoever waits for it.
                left += wanted["documents"]
                continue
            followed.processed += len(found["done"])
            followed.failed |= found["failed"]
            left += found["waiting"]
        report(followed.processed + len(followed.failed))
        if len(left) < len(waiting):
            moved = clock()
        elif clock() - moved > STALL_LIMIT_S:
            raise StandstillError
        elif clock() - began < PAUSE_S:
            # Nobody waited for them there.
            await asyncio.sleep(random.uniform(PAUSE_S, 2 * PAUSE_S))
        waiting = left
    return followed


async def logged(gateway: Gateway, **which: str) -> list[dict[str, Any]]:
    """All documents of an `id_prefix` or a `file_prefix`, as the log has them: `document_id`, `title`, `uri`, `digest`,
    `attributes`.
    """
    documents: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await gateway.get("/storage/documents", **which, limit=BATCH, cursor=cursor)
        documents += page["documents"]
        cursor = page["next"]
        if cursor is None:
            return documents


async def reprocess(gateway: Gateway, ids: Sequence[str]) -> None:
    """Have what stands still go on."""
    for start in range(0, len(ids), BATCH):
        await gateway.send("POST", "/processing/reprocess", json={"documents": list(ids[start : start + BATCH])})


async def delete(gateway: Gateway, named: Sequence[Sequence[str]], reason: str | None) -> tuple[list[str], list[str]]:
    """Delete the documents that go by these names: those that were there, and those that had been deleted before.

    Raises GatewayNotFoundError, before any is deleted, where one is unknown.
    """
    ids = list(dict.fromkeys([await _known(gateway, names) for names in named]))
    deleted: list[str] = []
    already: list[str] = []
    for document_id in ids:
        parameters = {} if reason is None else {"reason": reason}
        done = await gateway.send("DELETE", f"/documents/{segment(document_id)}", params=parameters)
        (already if done["already"] else deleted).append(document_id)
    return deleted, already


async def erase(gateway: Gateway, named: Sequence[Sequence[str]], reason: str) -> dict[str, Any]:
    """Erase the documents that go by these names, one after the other; what became of all of them.

    Raises GatewayNotFoundError, before any is erased, where one is unknown.
    """
    ids = list(dict.fromkeys([await _known(gateway, names) for names in named]))
    done: dict[str, Any] = {"documents": [], "questions": 0, "entities": 0, "keys": 0, "in_the_clear": 0}
    for document_id in ids:
        parameters = {"erase": "true", "reason": reason}
        one = await gateway.send("DELETE", f"/documents/{segment(document_id)}", params=parameters)
        done["documents"].append(document_id)
        for name in ("questions", "entities", "keys", "in_the_clear"):
            done[name] += one["erased"][name]
    return done


async def _known(gateway: Gateway, names: Sequence[str]) -> str:
    for name in names:
        try:
            await gateway.get(f"/documents/{segment(name)}/status")
            return name
        except GatewayNotFoundError:
            continue
    raise GatewayNotFoundError(
        f"there is no document {names[0]!r}; `annals list` and `annals entity list` show what there is"
    )
