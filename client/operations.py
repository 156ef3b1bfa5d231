"""How everything fares, by a gateway."""

from typing import Any

from client.gateway import Gateway


async def status(gateway: Gateway) -> dict[str, Any]:
    """What there is and how far everything is, as `annals status --json` gives it but for what runs where."""
    found: dict[str, Any] = await gateway.get("/status")
    return found
