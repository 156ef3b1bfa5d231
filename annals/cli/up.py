"""`annals up`."""

import asyncio
import contextlib
import shlex
from typing import Literal

import click

from annals.admin_token import ensure_admin_token
from annals.cli.context import CommandContext, common, run_async
from annals.composition.use_cases import prepared
from annals.live_settings import LiveSettings, tell
from annals.ontology_file import read_ontology
from annals.orchestration.running import orchestrated, rescale
from annals.pipeline import pipeline
from annals.roles import UP
from annals.supervision.supervisor import Supervisor
from annals.token_file import FILE_NAME


@click.command("up")
@click.option("--profile", type=click.Choice(["embedded", "servers"]), help="Where the read models are.")
@common
def command(context: CommandContext, profile: Literal["embedded", "servers"] | None) -> None:
    """Start the whole pipeline and keep it running until ctrl-C.

    The embedded profile (the default) brings its own servers. The servers profile keeps the graph in Neo4j, the
    vectors in OpenSearch and the cache in Redis, at the addresses that the settings give (docs/operations.md), and
    PostgreSQL and Kafka too where ANNALS_POSTGRES and ANNALS_BROKER name them.

    What ends is started again. Ctrl-C stops everything cleanly; all that was taken in is kept in the data folder.
    """
    if profile is not None:
        context.settings = context.settings.model_copy(update={"profile": profile})
    run_async(lambda: _up(context))


async def _up(context: CommandContext) -> None:
    settings = context.settings
    # Told here: each role would end by itself, and be started again.
    read_ontology(settings.ontology)
    supervisor, running = pipeline(settings, roles=UP), contextlib.AsyncExitStack()
    live = LiveSettings(context.load, context.file)
    live.on_every_change(lambda present: tell(settings.data, present))
    try:
        with context.people.status("starting"):
            await supervisor.start()
            live.watch()
            running.callback(live.stop)
            addresses = supervisor.state.addresses
            async with prepared(settings, addresses["postgres"], addresses["broker"], context.caller) as use_cases:
                await ensure_admin_token(settings.data, use_cases.security.local_administrator)
            if settings.services == "processes":
                orchestrator = await running.enter_async_context(orchestrated(settings, supervisor))
                for name in ("service_least", "service_most"):
                    live.on_change(name, lambda _: rescale(orchestrator, live.present))
        _tell(context, supervisor.state.shown)
        context.give(
            {
                "data": str(settings.data),
                "addresses": supervisor.state.shown,
                "processes": dict(supervisor.state.processes),
            }
        )
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        context.note("stopping")
    finally:
        await asyncio.shield(_stop(running, supervisor))


async def _stop(running: contextlib.AsyncExitStack, supervisor: Supervisor) -> None:
    """What was started last stops first."""
    try:
        await running.aclose()
    finally:
        await supervisor.stop()


def _tell(context: CommandContext, addresses: dict[str, str]) -> None:
    data = context.settings.data
    context.say(f"Annals is up. Data: {data}")
    context.say(f"  broker      {addresses['broker']}   inbox topic {addresses['inbox_topic']}")
    context.say(f"  gateway     {addresses['gateway']}")
    context.say(f"  postgres    {addresses['postgres']}")
    context.say(f"  logs        {data / 'logs'}")
    context.say(f"  token       {data / FILE_NAME}   of the local administrator")
    for name, address in addresses.items():
        if name.startswith("metrics_"):
            context.say(f"  metrics     {address}/metrics   {name.removeprefix('metrics_')}")
    context.say("Next, in another terminal:")
    option = f" --data {shlex.quote(str(data))}"
    context.say(f"  annals ingest docs/ --wait{option}")
    context.say(f'  annals ask "Who ...?"{option}')
    context.say(f"  annals status{option}")
    context.say("Ctrl-C stops everything.")
