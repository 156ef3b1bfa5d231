"""From one generation to the next: the live one takes no writes meanwhile.

The block is the server's: once it is set, no write is under way. Should the one who set it die, a writer that meets
it long after first takes away the generation that was to become the live one, so that a switch that still comes fails
as a whole, and then lifts the block.
"""

import time

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import NotFoundError

from projections.errors import ReadModelReplacedError
from projections.vector.opensearch.bulk import write_bulk
from projections.vector.opensearch.client import BULK_LIMIT_S, WriteBlockedError, faults
from projections.vector.opensearch.index import own_alias_of

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
        await _take_away(client, mark["next"])
        await lift(client, live)


async def _take_away(client: AsyncOpenSearch, successor: str) -> None:
    """Delete it unless it was switched to: then its own alias is gone, without which nobody switches to it any more."""
    own_alias = {"remove": {"index": successor, "alias": own_alias_of(successor), "must_exist": True}}
    try:
        with faults():
            await client.indices.update_aliases(body={"actions": [own_alias]})
            await client.indices.delete(index=successor, params={"ignore_unavailable": "true"})
    except (NotFoundError, ReadModelReplacedError):
        return


async def swap(
    client: AsyncOpenSearch, live: str | None, successor: str, alias: str, own_alias: str, kept: str | None
) -> None:
    """One step: `alias` leads to the successor, whose `own_alias` is gone, and `kept` to the index that was live."""
    actions: list[dict[str, object]] = [
        {"remove": {"index": successor, "alias": own_alias, "must_exist": True}},
        {"add": {"index": successor, "alias": alias}},
    ]
    if live is not None:
        actions.append({"remove": {"index": live, "alias": alias, "must_exist": True}})
        actions.append({"add": {"index": live, "alias": kept}})
    with faults():
        await client.indices.update_aliases(body={"actions": actions})
