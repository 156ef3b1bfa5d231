"""Documents, entities and histories, by a gateway."""

from collections.abc import Sequence
from typing import Any

from client.gateway import Gateway, GatewayNotFoundError, segment
from contracts.undoing import with_undoing

KINDS = ("document", "entity", "reasoning_query", "model", "system")


async def show(gateway: Gateway, names: Sequence[str], **more: Any) -> dict[str, Any]:
    """The document that has one of these ids, else the chunk of the first id, else the entity of the first name.

    `more` are parameters of the endpoints: `at`.
    """
    for name in names:
        try:
            document: dict[str, Any] = await gateway.get(f"/documents/{segment(name)}", **more)
            return document
        except GatewayNotFoundError as error:
            if "there is no document" not in str(error):
                raise
    try:
        chunk: dict[str, Any] = await gateway.get(f"/chunks/{segment(names[0])}", **more)
        return chunk
    except GatewayNotFoundError as error:
        if "there is no chunk" not in str(error):
            raise
    try:
        found = await gateway.get(f"/entities/{segment(names[0])}", **more)
    except GatewayNotFoundError as error:
        if "there is no entity" not in str(error):
            raise
        what = f"there is no document, no chunk and no entity {names[0]!r}"
        raise GatewayNotFoundError(f"{what}; `annals list` and `annals entity list` show what there is") from None
    return {**found["entity"], "edges": found["edges"]}


async def original(gateway: Gateway, names: Sequence[str]) -> tuple[str, bytes]:
    """The document that goes by the first of these names that is known, and the bytes that it was read from."""
    missing: GatewayNotFoundError | None = None
    for name in names:
        try:
            return name, await gateway.download(f"/documents/{segment(name)}/original")
        except GatewayNotFoundError as error:
            if "there is no document" not in str(error):
                raise
            missing = missing or error
    assert missing is not None, "there is one name at least"
    raise missing


async def whole(gateway: Gateway, document_id: str) -> dict[str, Any]:
    """A document with its entities and passages, their texts among them."""
    found = await gateway.get(f"/storage/documents/{segment(document_id)}")
    document: dict[str, Any] = found["result"]
    return document


async def history(gateway: Gateway, names: Sequence[str]) -> dict[str, Any]:
    """Every event of the aggregate that has one of these ids, oldest first; or the corrections of the relation or chunk
    that has the first.
    """
    for name in names:
        for kind in KINDS:
            if events := await _events(gateway, f"/events/aggregates/{kind}/{segment(name)}"):
                told = with_undoing([_without_kind(event) for event in events])
                return {"id": name, "kind": kind, "events": told}
    if events := await _events(gateway, f"/events/parts/{segment(names[0])}"):
        told = with_undoing([_without_kind(event) for event in events])
        return {"id": names[0], "kind": "correction", "events": told}
    what = f"there is no document, entity or question {names[0]!r}"
    raise GatewayNotFoundError(f"{what}; `annals list` and `annals entity list` show what there is")


async def trace(gateway: Gateway, names: Sequence[str], limit: int, cursor: str | None) -> dict[str, Any]:
    """What the request led to that one of these names is of, a page of its events."""
    missing: GatewayNotFoundError | None = None
    for name in names:
        try:
            found: dict[str, Any] = await gateway.get(f"/events/traces/{segment(name)}", limit=limit, cursor=cursor)
            return found
        except GatewayNotFoundError as error:
            missing = missing or error
    assert missing is not None, "there is one name at least"
    raise missing


def _without_kind(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "aggregate_kind"}


async def _events(gateway: Gateway, path: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    cursor = None
    while True:
        try:
            page = await gateway.get(path, limit=1000, cursor=cursor)
        except GatewayNotFoundError:
            return events
        events += page["events"]
        cursor = page["next"]
        if cursor is None:
            return events
