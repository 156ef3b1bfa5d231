"""Showing, by a gateway."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from annals.client.address import Address
from annals.client.gateway import GatewayNotFoundError, open_gateway


async def show(address: Address, names: Sequence[str]) -> dict[str, Any]:
    """The document that has one of these ids, else the entity of the first name."""
    async with open_gateway(address) as gateway:
        for name in names:
            try:
                document: dict[str, Any] = await gateway.get(f"/documents/{quote(name, safe='')}")
                return document
            except GatewayNotFoundError as error:
                if "there is no document" not in str(error):
                    raise
        try:
            found = await gateway.get(f"/entities/{quote(names[0], safe='')}")
        except GatewayNotFoundError:
            what = f"there is no document and no entity {names[0]!r}"
            raise GatewayNotFoundError(f"{what}; `annals list` and `annals entities` show what there is") from None
    return {**found["entity"], "edges": found["edges"]}
