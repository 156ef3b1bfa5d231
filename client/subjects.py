"""What names a person, and its erasure, by a gateway."""

from collections.abc import Sequence
from typing import Any

from client.gateway import Gateway

SUBJECTS_LIMIT_S = 3660.0
"""The gateway reads the whole log."""
MOST_DOCUMENTS = 1_000
"""In one request, as the gateway takes them."""


async def find(gateway: Gateway, names: Sequence[str]) -> dict[str, Any]:
    """What names this subject: `names`, `documents`, `questions`, `entities`."""
    found = await gateway.send("POST", "/subjects/find", json={"names": list(names)}, timeout=SUBJECTS_LIMIT_S)
    assert isinstance(found, dict)
    return found


async def erase(gateway: Gateway, names: Sequence[str], documents: Sequence[str], reason: str) -> dict[str, Any]:
    """Erase these documents where they name it; what went with them, and which are `left`."""
    total: dict[str, Any] = {"documents": [], "questions": 0, "entities": 0, "keys": 0, "in_the_clear": 0, "left": []}
    for start in range(0, max(len(documents), 1), MOST_DOCUMENTS):
        wanted = {"names": list(names), "documents": documents[start : start + MOST_DOCUMENTS], "reason": reason}
        done = await gateway.send("POST", "/subjects/erase", json=wanted, timeout=SUBJECTS_LIMIT_S)
        assert isinstance(done, dict)
        # What is left of the list after its last part is left.
        total = {key: done[key] if key == "left" else total[key] + done[key] for key in total}
    return total
