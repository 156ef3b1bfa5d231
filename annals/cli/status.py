"""`annals status`."""

import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.composition.operations import status_of
from annals.heartbeat import silent
from annals.session import Installation, installation
from services.deadline import Deadline
from services.operations.advice import Processes, advice
from services.operations.status import STATUS_LIMIT_S, as_json

SHOWN = 10
"""Documents that stand still and are named; --json names more."""


@click.command("status", short_help="What there is, what runs, and how far everything is.")
@common
def command(context: CommandContext) -> None:
    """Documents, chunks, entities and relations; the log's position, and how far each stage and read model is.

    What cannot be reached is named with its reason and what to do, and the exit code is then 1; the rest is shown.
    """
    if run_async(lambda: _status(context))["unknown"]:
        sys.exit(1)


async def _status(context: CommandContext) -> dict[str, Any]:
    async with installation(context.settings) as found:
        addresses = found.state.addresses
        service = status_of(found.settings, addresses["postgres"], addresses.get("broker"))
        status = await service.read(context.caller, deadline=Deadline.after(STATUS_LIMIT_S))
        processes = _processes(found)
    result = {
        **as_json(status),
        "addresses": dict(processes.addresses),
        "processes": dict(processes.running),
        "silent": dict(processes.silent),
        "advice": list(advice(status, processes)),
    }
    context.give(result)
    if not context.json:
        _show(context, result)
    return result


def _processes(found: Installation) -> Processes:
    """What this command started for itself is not among them."""
    if found.own:
        return Processes()
    running = {role: list(pids) for role, pids in found.state.processes.items()}
    return Processes(running, silent(found.settings.data, found.state.processes), found.state.shown)


def _show(context: CommandContext, result: Mapping[str, Any]) -> None:
    if result["documents"] is not None:
        context.say(
            f"{counted(result['documents'], 'document')} ({result['waiting']} waiting), "
            f"{counted(result['chunks'], 'chunk')}, {counted(result['entities'], 'entity')}, "
            f"{counted(result['relations'], 'relation')}"
        )
    if result["position"] is not None:
        found = result["dead_letters"]
        letters = "dead letters unknown" if found is None else counted(found, "dead letter")
        context.say(f"log at position {result['position']}, {letters}")
    for one in result["standing_still"][:SHOWN]:
        context.say(f"stands still since {one['since']:%Y-%m-%d %H:%M} before {one['stage']}: {one['document_id']}")
    followers = {**result["consumers"], **result["projections"]}
    if result["relay"] is not None:
        relay = result["relay"]
        followers = {"relay": {"position": result["position"] - relay["lag"], **relay}, **followers}
    rows = [
        (name, *(_number(where[key]) for key in ("position", "lag", "seconds"))) for name, where in followers.items()
    ]
    if rows:
        context.show(("consumer", "position", "lag", "for seconds"), rows)
    for name, stats in result["databases"].items():
        if stats["error"] is not None:
            context.say(f"{name:<10} {stats['health']}, {stats['error']}")
            continue
        context.say(
            f"{name:<10} {stats['health']}, answers in {stats['answer_ms']:.0f} ms, {stats['active_connections']} of "
            f"{stats['limit']} in use, {stats['pending_requests']} waiting, {stats['failures']} failures"
        )
    if result["kafka"] is not None:
        kafka = result["kafka"]
        said = f"answers in {kafka['answer_ms']:.0f} ms" if kafka["error"] is None else kafka["error"]
        context.say(f"{'kafka':<10} {kafka['health']}, {said}")
    _show_processes(context, result)
    _show_unknown(context, result)


def _show_processes(context: CommandContext, result: Mapping[str, Any]) -> None:
    if result["processes"]:
        for role, pids in result["processes"].items():
            context.say(f"{role:<10} {' '.join(map(str, pids)) or 'starting'}")
        for name, address in result["addresses"].items():
            if name.startswith("metrics_"):
                context.say(f"metrics    {address}/metrics   {name.removeprefix('metrics_')}")
    elif result["addresses"]:
        context.say("PostgreSQL and Kafka are given by address; roles that run there are not seen from here")
    else:
        context.say("nothing is up; `annals up` keeps everything running")


def _show_unknown(context: CommandContext, result: Mapping[str, Any]) -> None:
    shown = {*result["databases"], "kafka"}
    by_reason: dict[str, list[str]] = defaultdict(list)
    for part, why in result["unknown"].items():
        if part not in shown:
            by_reason[why].append(part)
    for why, parts in by_reason.items():
        context.say(f"unknown: {', '.join(parts)} ({why})")
    for line in result["advice"]:
        context.say(f"-> {line}")


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"
