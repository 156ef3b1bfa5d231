"""`annals status`."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import installation
from annals.status import gather
from eventstore.paused_consumers import PausedConsumer

SHOWN = 10
"""Documents that stand still and are named; --json names more."""

OLD_S = 60.0
"""What waits for longer than this, while everything answers, needs somebody to look."""

CURES = {
    "postgres": "PostgreSQL: nothing is taken in, asked or processed until it is back; what was acknowledged is kept",
    "kafka": "Kafka: documents can be taken in and asked; processing goes on by itself once it is back",
    "neo4j": "Neo4j: questions fail until it is back, then all goes on by itself; if its data is lost: "
    "annals replay graph",
    "opensearch": "OpenSearch: questions fail until it is back, then all goes on by itself; if its data is lost: "
    "annals replay vector",
    "redis": "Redis: questions are answered without the cache; all goes on by itself once it is back",
}


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
        result = await gather(found)
    result["advice"] = list(advice(result))
    context.give(result)
    if not context.json:
        _show(context, result)
    return result


def advice(result: Mapping[str, Any]) -> Iterator[str]:
    """What to do about what is away or waits, a line each."""
    yield from (CURES[name] for name in CURES if name in result["unknown"])
    yield from (str(PausedConsumer(**paused)) for paused in result["paused"])
    if still := len(result["standing_still"]):
        yield f"documents that stand still: {still}; make them go on: annals reprocess --unfinished"
    if result["dead_letters"]:
        yield "dead letters: annals dead-letters list names their causes; annals dead-letters retry tries them again"
    relay, kafka = result["relay"], result["kafka"]
    runs, answers = bool(result["processes"]), kafka is not None and kafka["error"] is None
    if answers and "postgres" not in result["unknown"]:
        for role, pids in result["silent"].items():
            for pid in pids:
                yield f"{role} ({pid}) shows no sign of life; end it, and it is started again: kill -9 {pid}"
    if relay and relay["lag"] and relay["seconds"] > OLD_S and answers:
        yield (
            f"the relay has not published the next event for {relay['seconds']:.0f} s: the cause is in its log"
            f"{' (logs/relay.log in the data folder)' if runs else ''}; where none runs, start one: annals run relay"
        )
    elif result["waiting"] and not runs and not result["addresses"]:
        yield "documents wait to be processed: annals up does it"
    elif result["waiting"]:
        behind = {name: one for name, one in result["consumers"].items() if (one["seconds"] or 0.0) > OLD_S}
        if behind:
            name = max(behind, key=lambda key: behind[key]["seconds"])
            yield (
                f"documents wait for {name}, the first event for {behind[name]['seconds']:.0f} s: the cause is in the "
                f"worker's log{' (logs/worker.log in the data folder)' if runs else ''}; where none runs, start one: "
                "annals run worker"
            )


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
