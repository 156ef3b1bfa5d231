"""`annals status`."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.composition import Services
from annals.session import Session, session
from contracts.event_types import EventType
from contracts.topics import Partition
from eventstore.paused_consumers import PausedConsumer
from projections.changes import Positions, low_watermark
from projections.replay import uniform_positions
from services.operations.progress import STAGES


@click.command("status", short_help="What there is, what runs, and how far everything is.")
@common
def command(context: CommandContext) -> None:
    """Documents, chunks, entities and relations; the log's position, and how far each stage and read model is."""
    run_async(lambda: _status(context))


async def _status(context: CommandContext) -> None:
    async with session(context.settings) as opened:
        result = await gather(opened)
    context.give(result)
    if not context.json:
        _show(context, result)


async def gather(opened: Session) -> dict[str, Any]:
    """All of it, as --json gives it."""
    services = opened.services
    head = await services.reader.head()
    return {
        **asdict(await services.relational.counts(services.settings.tenant)),
        "dead_letters": await services.letters.count(services.settings.tenant),
        "dead_letters_of_no_tenant": await services.letters.count_of_no_tenant(),
        "paused": [asdict(paused) for paused in await services.letters.paused.all()],
        "position": head,
        "events": await services.reader.count_by_type(services.settings.tenant),
        "consumers": await _consumers(services, head),
        "projections": await _projections(services, head),
        "databases": await _databases(services),
        "addresses": {} if opened.own else opened.state.shown,
        "processes": {} if opened.own else {role: list(pids) for role, pids in opened.state.processes.items()},
    }


async def _databases(services: Services) -> dict[str, dict[str, Any]]:
    report = await services.connections.monitor_pool_health()
    return {name: {"health": stats.health, **asdict(stats)} for name, stats in report.pool_stats.items()}


async def _consumers(services: Services, head: int) -> dict[str, dict[str, int]]:
    topic = services.topics.of(EventType.DOCUMENT_INGESTED)
    known = await services.positions.all()
    return {stage: _lag(known.get(stage, {}), topic.all_partitions, head) for stage in STAGES}


async def _projections(services: Services, head: int) -> dict[str, dict[str, int]]:
    return {
        name: _lag(await one.store.positions(), uniform_positions(one.model, services.topics, 0), head)
        for name, one in services.projections.items()
    }


def _lag(known: Positions, followed: Iterable[Partition], head: int) -> dict[str, int]:
    position = low_watermark(known, followed)
    return {"position": position, "lag": max(0, head - position)}


def _show(context: CommandContext, result: dict[str, Any]) -> None:
    context.say(
        f"{result['documents']} documents ({result['waiting']} waiting), {result['chunks']} chunks, "
        f"{result['entities']} entities, {result['relations']} relations"
    )
    context.say(f"log at position {result['position']}, {result['dead_letters']} dead letters")
    for paused in result["paused"]:
        context.say(str(PausedConsumer(**paused)))
    followers = {**result["consumers"], **result["projections"]}
    rows = [(name, str(where["position"]), str(where["lag"])) for name, where in followers.items()]
    context.show(("consumer", "position", "lag"), rows)
    for name, stats in result["databases"].items():
        answer = f"answers in {stats['answer_ms']:.0f} ms" if stats["answer_ms"] is not None else stats["error"]
        context.say(
            f"{name:<10} {stats['health']}, {answer}, {stats['active_connections']} of {stats['limit']} in use, "
            f"{stats['pending_requests']} waiting, {stats['failures']} failures"
        )
    if result["processes"]:
        for role, pids in result["processes"].items():
            context.say(f"{role:<10} {' '.join(map(str, pids)) or 'starting'}")
    elif result["addresses"]:
        context.say("PostgreSQL and Kafka are given by address; roles that run there are not seen from here")
    else:
        context.say("nothing is up; `annals up` keeps everything running")
