"""`python -m bench`: ratios of one run as one JSON object on stdout, all else on stderr."""

import asyncio
import json
import os
import platform
import tempfile
from pathlib import Path

import click

from bench import (
    appends,
    as_of,
    ask,
    ask_client,
    ask_cold,
    ask_under_load,
    chain,
    chunk_context,
    common_entity,
    fairness,
    freshness,
    gateway,
    inbox,
    ingest,
    ingest_peers,
    models,
    projection,
    replay,
    scale,
    sealed_texts,
    sealing,
)
from bench.servers import Figures, Stopwatch, say


async def _stores(folder: Path) -> Figures:
    # It needs what only the tests need.
    from bench import stores

    return await stores.measure(folder)


USUAL = {
    "appends": appends.measure,
    "projection": projection.measure,
    "replay": replay.measure,
    "ingest": ingest.measure,
    "ask": ask.measure,
    "gateway": gateway.measure,
    "ask_client": ask_client.measure,
    "ask_cold": ask_cold.measure,
    "freshness": freshness.measure,
    "inbox": inbox.measure,
    "ask_under_load": ask_under_load.measure,
}
MEASUREMENTS = USUAL | {
    "as_of": as_of.measure,
    "fairness": fairness.measure,
    "chain": chain.measure,
    "chunk_context": chunk_context.measure,
    "sealing": sealing.measure,
    "sealed_texts": sealed_texts.measure,
    "ingest_peers": ingest_peers.measure,
    "models": models.measure,
    "common_entity": common_entity.measure,
    "common_entity_neo4j": common_entity.measure_neo4j,
    "scale": scale.measure,
    "scale_million": scale.measure_million,
    "stores": _stores,
}


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def main(names: tuple[str, ...]) -> None:
    """Measure Annals beside the bare parts it is made of.

    NAME is one of appends, projection, replay, ingest, ask, gateway, ask_client, ask_cold, freshness, inbox,
    ask_under_load; without any, all are measured. And there are as_of, fairness, common_entity and models, which take
    minutes, ingest_peers and scale, which take more (scale_million an hour) and a set of passages and questions in the
    folder BENCH_SET, and common_entity_neo4j and stores, for the servers profile, which need Java or Docker. Prints one
    JSON object; only its ratios mean anything elsewhere (see docs/performance.md).
    """
    unknown = sorted(set(names) - set(MEASUREMENTS))
    if unknown:
        raise click.BadParameter(f"no measurement is called {unknown[0]}; there are {', '.join(MEASUREMENTS)}")
    # Whoever has Annals set up for real measures the defaults all the same, on servers of this run alone.
    for setting in [name for name in os.environ if name.startswith("ANNALS_") and not name.startswith("ANNALS_TEST_")]:
        del os.environ[setting]
    with tempfile.TemporaryDirectory(prefix="annals-bench-") as folder:
        # PostgreSQL does not run as root but as another user, who has to pass here.
        Path(folder).chmod(0o755)
        result = asyncio.run(_measure(names or tuple(USUAL), Path(folder)))
    click.echo(json.dumps(result, indent=2))


async def _measure(names: tuple[str, ...], root: Path) -> Figures:
    whole = Stopwatch()
    load = os.getloadavg()[0]
    if load > 0.5:
        say(f"others keep this machine busy (load {load:.1f}): the ratios will be off")
    result: Figures = {
        "machine": {"cores": os.cpu_count(), "load_before": round(load, 1), "python": platform.python_version()}
    }
    for name in names:
        watch = Stopwatch()
        say(f"{name} ...")
        result[name] = await MEASUREMENTS[name](root / name)
        say(f"{name}: {watch.seconds:.0f} s")
    result["seconds"] = round(whole.seconds)
    return result


if __name__ == "__main__":
    main()
