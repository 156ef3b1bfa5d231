"""What another model would answer otherwise, by a gateway."""

from collections.abc import Sequence
from typing import Any

from client.gateway import Gateway
from client.jobs import Progress, run

JOBS = "/models/previews"


async def preview(
    gateway: Gateway,
    task: str,
    name: str,
    questions: Sequence[str],
    progress: Progress,
    *,
    revision: str | None = None,
    rate: float | None = None,
    keep: str | None = None,
) -> dict[str, Any]:
    """Which of these questions the model would answer otherwise if it did a task (`embedder`, `entities`, `relations`),
    as `annals models preview --json` gives it but for the seconds. Cancelled, it is broken off there, too.

    Raises GatewayError where it failed, or somebody broke it off.
    """
    wanted = {"name": name, "revision": revision, "questions": list(questions), "rate": rate, "keep": keep}
    ended = await run(gateway, f"/models/{task}/preview", JOBS, wanted, progress)
    result: dict[str, Any] = ended["result"]
    return result
