"""What names a person, and its erasure, by a gateway."""

from collections.abc import Sequence
from typing import Any

from client.gateway import Gateway

SUBJECTS_LIMIT_S = 3660.0
"""The gateway reads the whole log."""


async def find(gateway: Gateway, names: Sequence[str]) -> dict[str, Any]:
    """What names this subject: `names`, `documents`, `questions`, `entities`."""
    found = await gateway.send("POST", "/subjects/find", json={"names": list(names)}, timeout=SUBJECTS_LIMIT_S)
    assert isinstance(found, dict)
    return found


async def erase(gateway: Gateway, names: Sequence[str], documents: Sequence[str], reason: str) -> dict[str, Any]:
    """Erase these documents where they name it; what went with them, and which are `left`."""
    wanted = {"names": list(names), "documents": list(documents), "reason": reason}
    done = await gateway.send("POST", "/subjects/erase", json=wanted, timeout=SUBJECTS_LIMIT_S)
    assert isinstance(done, dict)
    return done
