"""`annals trace`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from annals.cli.context import CommandContext, run_async, served
from annals.cli.names import names_of
from annals.cli.paging import tell_next
from annals.cli.words import counted

MOST = 1000
"""On a page, as the gateway gives them."""


@click.command("trace")
@click.argument("id")
@click.option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help="How many on a page.")
@click.option("--after", metavar="CURSOR", help="The page behind the one that ended with this cursor.")
@served
def command(context: CommandContext, id: str, limit: int, after: str | None) -> None:
    """Show the tree of causes of one request or delivery, from its first event to the last one, with the time that each
    took after its cause, and how far the read models are with them.

    ID is a correlation, an event's id, or a document's, entity's or question's, which stands for the request that
    changed it last. `annals history` gives ids and correlations.
    """
    run_async(lambda: _trace(context, id, limit, after))


async def _trace(context: CommandContext, given: str, limit: int, after: str | None) -> None:
    address = context.gateway()
    if address is None:
        from annals.cli.here import reading as here

        found = await here.trace(context, given, limit, after)
    else:
        from client import reading as there
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            found = await there.trace(gateway, names_of(given), limit, after)
    context.give(found)
    took = (datetime.fromisoformat(found["ended"]) - datetime.fromisoformat(found["began"])).total_seconds()
    context.say(f"request {found['correlation_id']}: {counted(found['events'], 'event')} in {_seconds(took)}")
    for depth, step in _tree(found["steps"]):
        context.say("  " * (depth + 1) + _line(step))
    tell_next(context, found["next"])
    if found["next"] is not None or after is not None:
        for kind in found["kinds"]:
            context.say(_kind(kind))
    for one in found["read_models"]:
        context.say(_projected(one))


def _tree(steps: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """Depth first. What follows from an event that does not stand before it on this page begins anew."""
    below: dict[str | None, list[Mapping[str, Any]]] = {}
    before = set()
    for step in steps:
        below.setdefault(step["cause"] if step["cause"] in before else None, []).append(step)
        before.add(step["event_id"])
    found: list[tuple[int, Mapping[str, Any]]] = []
    todo = [(0, step) for step in reversed(below.get(None, []))]
    while todo:
        depth, step = todo.pop()
        found.append((depth, step))
        todo += [(depth + 1, one) for one in reversed(below.pop(step["event_id"], []))]
    return found


def _line(step: Mapping[str, Any]) -> str:
    what = f"{step['event_type']} {step['aggregate_id']}, version {step['aggregate_version']}"
    line = f"{_time(step['recorded_at'])}  {what}"
    if step["after_s"] is not None:
        line += f"  {_seconds(step['after_s'])} after its cause"
    if step["cause_of"] is not None:
        line += f", {step['cause_type']} of request {step['cause_of']}"
    said = _time(step["occurred_at"])
    return line if said[:19] == _time(step["recorded_at"])[:19] else f"{line}  (its own time: {said})"


def _kind(kind: Mapping[str, Any]) -> str:
    line = f"{kind['event_type']}: {kind['events']}"
    if kind["median_s"] is None:
        return line
    shortest, median, longest = (_seconds(kind[name]) for name in ("shortest_s", "median_s", "longest_s"))
    return f"{line} after {kind['cause']}, {shortest} to {longest}, median {median}"


def _projected(one: Mapping[str, Any]) -> str:
    if not one["done"]:
        return f"{one['read_model']}: not all {one['events']} yet, at position {one['position']}, last {one['last']}"
    by = "" if one["by"] is None else f", by {_time(one['by'])} at the latest"
    return f"{one['read_model']}: has all {one['events']}{by}"


def _time(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f} s"
