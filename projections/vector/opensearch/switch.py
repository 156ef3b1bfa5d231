"""From one generation to the next: the live one takes no writes meanwhile.

The block is the server's: once it is set, no write is under way. Should the one who set it die, a writer that meets
it long after first takes away the generation that was to become the live one, so that a switch that still comes fails
as a whole, and then lifts the block.
"""

import time

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import NotFoundError

from projections.vector.opensearch.bulk import write_bulk
from projections.vector.opensearch.client import BULK_LIMIT_S, WriteBlockedError, faults

LIMIT_S = 120.0
"""A switch that takes longer has died: it only takes in the last few events."""

_MARK = "switch"


async def block(client: AsyncOpenSearch, live: str, successor: str) -> None:
    """Block writes to the live index; writes under way are done when this returns.

    Raises WriteBlockedError where it is blocked already.
    """
    mark = {"what": "switch", "at": time.time(), "next": successor}
    try:
        await write_bulk(client, live, [({"index": {"_id": _MARK}}, mark)])
    except WriteBlockedError:
        await lift_if_dead(client, live)
        raise
    with faults():
        await client.transport.perform_request("PUT", f"/{live}/_block/write", params={"request_timeout": BULK_LIMIT_S})


async def lift(client: AsyncOpenSearch, live: str) -> None:
    """Let it be written again."""
    with faults():
        await client.indices.put_settings(index=live, body={"index.blocks.write": None})


async def lift_if_dead(client: AsyncOpenSearch, live: str) -> None:
    """Lift the block of somebody who died while switching."""
    try:
        with faults():
            mark = (await client.get(index=live, id=_MARK))["_source"]
    except NotFoundError:
        return
    if mark["at"] < time.time() - LIMIT_S:
        with faults():
            await client.indices.delete(index=mark["next"], params={"ignore_unavailable": "true"})
        await lift(client, live)


async def swap(client: AsyncOpenSearch, live: str | None, successor: str, alias: str, old_alias: str) -> None:
    """One step: `alias` leads to the successor, `old_alias` is gone, and so is the live index."""
    actions: list[dict[str, object]] = [
        {"remove": {"index": successor, "alias": old_alias, "must_exist": True}},
        {"add": {"index": successor, "alias": alias}},
    ]
    if live is not None:
        actions.append({"remove_index": {"index": live}})
    with faults():
        await client.indices.update_aliases(body={"actions": actions})
