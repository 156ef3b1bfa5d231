"""What names a person, and its erasure, by a gateway."""

from collections.abc import Callable, Sequence
from typing import Any

from client.gateway import Gateway, GatewayError
from client.jobs import begin, follow

SUBJECTS_LIMIT_S = 3660.0
"""The gateway reads the whole log."""
JOBS = "/subjects/jobs"


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
    job, why = await follow(gateway, JOBS, await begin(gateway, "/subjects/erase", wanted), report)
    if why is not None:
        raise GatewayError(f"the erasure ended: {why}; give the command again, and it goes on")
    result: dict[str, Any] = job["result"]
    return result
