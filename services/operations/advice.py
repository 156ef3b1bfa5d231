"""What to do about what is away or waits, from the status."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.operations.status import SystemStatus

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


@dataclass(frozen=True, slots=True)
class Processes:
    """Ids of the processes of each role that run here, and of those without a sign of life.

    `addresses` of what runs, by name; empty where nothing does.
    """

    running: Mapping[str, Sequence[int]] = field(default_factory=dict)
    silent: Mapping[str, Sequence[int]] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


def advice(status: SystemStatus, processes: Processes) -> Iterator[str]:
    """A line for each thing that somebody should do."""
    log = status.log
    yield from (CURES[name] for name in CURES if name in status.unknown)
    yield from (str(paused) for paused in log.paused)
    if still := len(log.standing_still):
        yield f"documents that stand still: {still}; make them go on: annals reprocess --unfinished"
    if log.dead_letters:
        yield "dead letters: annals dead-letters list names their causes; annals dead-letters retry tries them again"
    answers = status.kafka is not None and status.kafka.error is None
    if answers and "postgres" not in status.unknown:
        for role, pids in processes.silent.items():
            for pid in pids:
                yield f"{role} ({pid}) shows no sign of life; end it, and it is started again: kill -9 {pid}"
    yield from _of_what_waits(status, processes, answers)


def _of_what_waits(status: SystemStatus, processes: Processes, answers: bool) -> Iterator[str]:
    log, runs = status.log, bool(processes.running)
    waiting = log.counts is not None and log.counts.waiting > 0
    if log.relay and log.relay.lag and log.relay.seconds > OLD_S and answers:
        yield (
            f"the relay has not published the next event for {log.relay.seconds:.0f} s: the cause is in its log"
            f"{' (logs/relay.log in the data folder)' if runs else ''}; where none runs, start one: annals run relay"
        )
    elif waiting and not runs and not processes.addresses:
        yield "documents wait to be processed: annals up does it"
    elif waiting:
        behind = {name: one.seconds for name, one in log.consumers.items() if (one.seconds or 0.0) > OLD_S}
        if behind:
            name, seconds = max(behind.items(), key=lambda pair: pair[1] or 0.0)
            yield (
                f"documents wait for {name}, the first event for {seconds:.0f} s: the cause is in the "
                f"worker's log{' (logs/worker.log in the data folder)' if runs else ''}; where none runs, start one: "
                "annals run worker"
            )
