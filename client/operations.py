"""How everything fares, by a gateway."""

from collections.abc import Sequence
from typing import Any

from client.gateway import Gateway, segment

ANSWERS_LIMIT_S = 660.0
"""The gateway asks two generations each question."""


async def status(gateway: Gateway) -> dict[str, Any]:
    """What there is and how far everything is, as `annals status --json` gives it but for what runs where."""
    found: dict[str, Any] = await gateway.get("/status")
    return found


async def past(gateway: Gateway, name: str) -> dict[str, Any]:
    """A generation of the past, and how much there is in it, as `annals status --at --json` gives it."""
    found: dict[str, Any] = await gateway.get(f"/projections/past/{segment(name)}")
    return found


async def differences(
    gateway: Gateway, one: str, other: str, kinds: Sequence[str], limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of what differs from one generation to another."""
    found: dict[str, Any] = await gateway.get(
        f"/projections/past/{segment(one)}/differences", other=other, only=list(kinds), limit=limit, cursor=cursor
    )
    return found


async def answers(gateway: Gateway, one: str, other: str, questions: Sequence[str], last: int) -> dict[str, Any]:
    """The questions whose answers differ; without `questions`, of the `last` that were asked."""
    wanted = {"other": other, **({"questions": list(questions)} if questions else {"last": last})}
    found: dict[str, Any] = await gateway.send(
        "POST", f"/projections/past/{segment(one)}/answers", json=wanted, timeout=ANSWERS_LIMIT_S
    )
    return found
