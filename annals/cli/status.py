"""`annals status`."""

import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import click

from annals.cli.at import at_option
from annals.cli.context import CommandContext, run_async, served
from annals.cli.words import counted, time_of
from annals.heartbeat import silent
from annals.supervision.state import State, read_state
from client.address import Address
from services.operations.advice import Processes, advice

SHOWN = 10
"""Documents that stand still and are named; --json names more."""


@click.command("status")
@at_option
@served
def command(context: CommandContext, at: str | None) -> None:
    """Documents, chunks, entities and relations; the log's position, and how far each stage and read model is.

    What cannot be reached is named with its reason and what to do, and the exit code is then 1; the rest is shown.
    """
    if at is not None:
        run_async(lambda: _past(context, at))
    elif run_async(lambda: _status(context))["unknown"]:
        sys.exit(1)


async def _past(context: CommandContext, name: str) -> None:
    address = context.gateway()
    if address is None:
        from annals.cli.here import status as here

        found = await here.past(context, name)
    else:
        from client import operations as there
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            found = await there.past(gateway, name)
    context.give(found)
    context.say(
        f"{counted(found['documents'], 'document')} ({found['waiting']} waiting), "
        f"{counted(found['chunks'], 'chunk')}, {counted(found['entities'], 'entity')}, "
        f"{counted(found['relations'], 'relation')}"
    )
    recorded = found["recorded_at"]
    when = "before the first event" if recorded is None else f"{time_of(recorded):%Y-%m-%d %H:%M:%S %Z}"
    context.say(f"{name} is as of position {found['position']} ({when})")
    if found["expires_at"] is not None:
        context.say(f"it is kept until {time_of(found['expires_at']):%Y-%m-%d %H:%M:%S %Z}")


async def _status(context: CommandContext) -> dict[str, Any]:
    address = context.gateway()
    if context.server is not None:
        assert address is not None, "it was named"
        status = await _by_gateway(address)
        processes = Processes(addresses={"gateway": address.url})
    else:
        status, state = await _of_this_folder(context, address)
        processes = Processes() if state is None else _processes(context, state)
    result = {
        **status,
        "addresses": dict(processes.addresses),
        "processes": dict(processes.running),
        "silent": dict(processes.silent),
        "advice": list(advice(status, processes)),
    }
    context.give(result)
    if not context.json:
        _show(context, result)
    return result


async def _by_gateway(address: Address, *, patient: bool = True) -> dict[str, Any]:
    from client import operations as there
    from client.gateway import open_gateway

    async with open_gateway(address, patient=patient) as gateway:
        return await there.status(gateway)


async def _of_this_folder(context: CommandContext, address: Address | None) -> tuple[dict[str, Any], State | None]:
    """By the gateway where it answers, else by the databases; and what runs, None for what only this command does."""
    absent: dict[str, str] = {}
    if address is not None:
        from client.gateway import GatewayAbsentError, GatewayError

        try:
            return await _by_gateway(address, patient=False), read_state(context.settings.data)
        except GatewayAbsentError:
            absent = {"gateway": f"at {address.url}: it does not answer"}
        except GatewayError:
            pass  # What it needs is away: the databases say more of that.
    from annals.cli.here import status as here

    status, state = await here.status(context)
    return {**status, "unknown": status["unknown"] | absent}, state


def _processes(context: CommandContext, state: State) -> Processes:
    running = {role: list(pids) for role, pids in state.processes.items()}
    return Processes(running, silent(context.settings.data, state.processes), state.shown)


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
        context.say(
            f"stands still since {time_of(one['since']):%Y-%m-%d %H:%M} before {one['stage']}: {one['document_id']}"
        )
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
    elif context.server is not None:
        context.say(f"what runs at {context.server} is not seen from here")
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
