"""What to do about what is away or waits, from the status as JSON has it: no driver is needed to say it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.paused_consumer import PausedConsumer

OLD_S = 60.0
"""What waits for longer than this, while everything answers, needs somebody to look."""

CURES = {
    "gateway": "the gateway: commands go to the databases themselves, programs have to wait; where it ended it is "
    "started again, and the cause is in its log (logs/gateway.log in the data folder)",
    "postgres": "PostgreSQL: nothing is taken in, asked or processed until it is back; what was acknowledged is kept",
    "kafka": "Kafka: documents can be taken in and asked; processing goes on by itself once it is back",
    "neo4j": "Neo4j: questions fail until it is back, then all goes on by itself; if its data is lost: "
    "annals replay graph",
    "opensearch": "OpenSearch: questions fail until it is back, then all goes on by itself; if its data is lost: "
    "annals replay vector",
    "redis": "Redis: questions are answered without the cache; all goes on by itself once it is back",
}


@dataclass(frozen=True, slots=True)
class Processes:
    """Ids of the processes of each role that run here, and of those without a sign of life.

    `addresses` of what runs, by name; empty where nothing does.
    """

    running: Mapping[str, Sequence[int]] = field(default_factory=dict)
    silent: Mapping[str, Sequence[int]] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


def advice(status: Mapping[str, Any], processes: Processes) -> Iterator[str]:
    """A line for each thing that somebody should do; `status` is as `services.operations.status.as_json` gives it."""
    yield from (CURES[name] for name in CURES if name in status["unknown"])
    yield from (str(PausedConsumer(**paused)) for paused in status["paused"])
    if still := len(status["standing_still"]):
        yield f"documents that stand still: {still}; make them go on: annals reprocess --unfinished"
    if status["dead_letters"]:
        yield "dead letters: annals dead-letters list names their causes; annals dead-letters retry tries them again"
    answers = status["kafka"] is not None and status["kafka"]["error"] is None
    if answers and "postgres" not in status["unknown"]:
        for role, pids in processes.silent.items():
            for pid in pids:
                yield f"{role} ({pid}) shows no sign of life; end it, and it is started again: kill -9 {pid}"
    yield from _of_what_waits(status, processes, answers)


def _of_what_waits(status: Mapping[str, Any], processes: Processes, answers: bool) -> Iterator[str]:
    relay, runs = status["relay"], bool(processes.running)
    if relay and relay["lag"] and relay["seconds"] > OLD_S and answers:
        yield (
            f"the relay has not published the next event for {relay['seconds']:.0f} s: the cause is in its log"
            f"{' (logs/relay.log in the data folder)' if runs else ''}; where none runs, start one: annals run relay"
        )
    elif status["waiting"] and not runs and not processes.addresses:
        yield "documents wait to be processed: annals up does it"
    elif status["waiting"]:
        behind = {name: one["seconds"] for name, one in status["consumers"].items() if (one["seconds"] or 0.0) > OLD_S}
        if behind:
            name, seconds = max(behind.items(), key=lambda pair: pair[1])
            yield (
                f"documents wait for {name}, the first event for {seconds:.0f} s: the cause is in the "
                f"worker's log{' (logs/worker.log in the data folder)' if runs else ''}; where none runs, start one: "
                "annals run worker"
            )
