"""What names a person, and its erasure, by a gateway."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from client.gateway import Gateway, GatewayError, segment

SUBJECTS_LIMIT_S = 3660.0
"""The gateway reads the whole log."""
LOOK_EVERY_S = 0.5


async def find(gateway: Gateway, names: Sequence[str]) -> dict[str, Any]:
    """What names this subject: `names`, `documents`, `questions`, `entities`."""
    found = await gateway.send("POST", "/subjects/find", json={"names": list(names)}, timeout=SUBJECTS_LIMIT_S)
    assert isinstance(found, dict)
    return found


async def erase(
    gateway: Gateway, names: Sequence[str], documents: Sequence[str], reason: str, report: Callable[[int], None]
) -> dict[str, Any]:
    """Erase these documents where they name it; what went with them, and which are `left`. `report` gets how many of
    them are done. Raises GatewayError where it failed, or somebody broke it off.
    """
    wanted = {"names": list(names), "documents": list(documents), "reason": reason}
    job = await gateway.send("POST", "/subjects/erase", json=wanted, headers={"idempotency-key": str(uuid4())})
    while job["state"] == "running":
        report(job["done"])
        await asyncio.sleep(LOOK_EVERY_S)
        job = await gateway.get(f"/subjects/jobs/{segment(job['id'])}")
    if job["state"] != "done":
        why = job["error"] or "somebody broke it off"
        raise GatewayError(f"the erasure ended: {why}; give the command again, and it goes on")
    report(job["done"])
    result: dict[str, Any] = job["result"]
    return result
