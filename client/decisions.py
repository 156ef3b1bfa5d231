"""What people decide on entities, relations, chunks and chains, by a gateway."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from client.gateway import Gateway, GatewayNotFoundError, GatewayUnavailableError, Method, segment

POSITION = "annals-position"
FOLLOW_LIMIT_S = 120.0
"""How long the read models are waited for: as long as without a gateway."""
NULL = "valid"
"""What may be null: a judgement that is taken back. Whatever else is null was not given."""


@dataclass(frozen=True, slots=True)
class Request:
    """A decision as the gateway is asked for it. `documents`: of each that it is on the ids that it may have."""

    method: Method
    path: str
    body: Mapping[str, Any]
    documents: Sequence[Sequence[str]] = ()


async def decide(gateway: Gateway, wanted: Request, *, wait: bool) -> dict[str, Any]:
    """What came of it; with `wait` once every read model has it."""
    body = {name: value for name, value in wanted.body.items() if value is not None or name == NULL}
    if wanted.documents:
        body["documents"] = [await _id_of(gateway, names) for names in wanted.documents]
    # What takes no body takes what else it is told behind the question mark.
    given: dict[str, Any] = {"params": body} if wanted.method == "DELETE" else {"json": body}
    done: dict[str, Any] = await gateway.send(wanted.method, wanted.path, **given)
    if wait and done["position"] is not None:
        await _followed(gateway, str(done["position"]))
    return done


async def _followed(gateway: Gateway, position: str) -> None:
    """Until every read model has it. Raises GatewayUnavailableError where they do not get there."""
    clock = asyncio.get_running_loop().time
    end = clock() + FOLLOW_LIMIT_S
    while True:
        try:
            await gateway.send("GET", "/status", headers={POSITION: position})
            return
        except GatewayUnavailableError:
            # It has waited, and asked again, for a good while.
            if clock() > end:
                raise


async def _id_of(gateway: Gateway, names: Sequence[str]) -> str:
    """The first of these ids that a document has. Raises GatewayNotFoundError."""
    for name in names:
        try:
            return str((await gateway.get(f"/documents/{segment(name)}"))["document_id"])
        except GatewayNotFoundError:
            continue
    raise GatewayNotFoundError(f"there is no document {names[0]!r}; `annals list` shows what there is")
