"""How everything fares, by a gateway."""

from typing import Any

from client.gateway import Gateway, segment


async def status(gateway: Gateway) -> dict[str, Any]:
    """What there is and how far everything is, as `annals status --json` gives it but for what runs where."""
    found: dict[str, Any] = await gateway.get("/status")
    return found


async def past(gateway: Gateway, name: str) -> dict[str, Any]:
    """A generation of the past, and how much there is in it, as `annals status --at --json` gives it."""
    found: dict[str, Any] = await gateway.get(f"/projections/past/{segment(name)}")
    return found
