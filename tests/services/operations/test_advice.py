"""What to do about what is away or waits is named, a line each, and nothing where all is well."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.paused_consumer import PausedConsumer
from projections.relational.reads import Counts
from services.operations.advice import OLD_S, Processes, advice
from services.operations.reprocessing import StandsStill
from services.operations.status import BrokerStatus, LogStatus, Position, RelayLag, SystemStatus, as_json

COUNTS = Counts(documents=9, chunks=9, entities=9, relations=9, waiting=0)
WAITING = {"counts": replace(COUNTS, waiting=1)}
LOG = LogStatus(
    counts=COUNTS, dead_letters=0, position=9, relay=RelayLag(0, 0.0), consumers={"chunking": Position(9, 0, 0.0)}
)
BLOCKED = {"relay": RelayLag(2, OLD_S + 5)}
BEHIND = {"consumers": {"chunking": Position(1, 8, OLD_S + 5), "entities": Position(9, 0, 0.0)}}
STILL = StandsStill("d", "chunking", datetime.now(UTC))
PAUSED = PausedConsumer(consumer="graph", dead_letters=9, messages=10, cause="broken")
WELL = BrokerStatus("healthy", 1.0, None)
AWAY = BrokerStatus("down", None, "away")
RUNNING = Processes({"relay": [1], "worker": [2]}, {}, {"postgres": "postgresql://"})
NO_BEAT = replace(RUNNING, silent={"relay": [7]})


@pytest.mark.parametrize(
    ("log", "kafka", "unknown", "processes", "said"),
    [
        ({}, WELL, (), RUNNING, []),
        (WAITING | {"relay": RelayLag(2, 1.0)}, WELL, (), RUNNING, []),
        ({"dead_letters": 1}, WELL, (), RUNNING, ["annals dead-letters list"]),
        (
            {"standing_still": (STILL,)},
            WELL,
            (),
            RUNNING,
            ["documents that stand still: 1", "annals reprocess --unfinished"],
        ),
        ({"paused": (PAUSED,)}, WELL, (), RUNNING, ["annals dead-letters resume graph"]),
        (WAITING | BLOCKED | BEHIND, WELL, (), RUNNING, ["annals run relay"]),
        (WAITING | BEHIND, WELL, (), RUNNING, ["wait for chunking", "annals run worker"]),
        (WAITING, None, (), Processes(), ["annals up"]),
        ({}, WELL, (), NO_BEAT, ["kill -9 7"]),
        ({}, WELL, ("neo4j",), RUNNING, ["annals replay graph"]),
        ({}, WELL, ("opensearch",), RUNNING, ["annals replay vector"]),
        ({}, WELL, ("redis",), RUNNING, ["without the cache"]),
        ({}, WELL, ("gateway",), RUNNING, ["logs/gateway.log"]),
        (BLOCKED, AWAY, ("kafka",), NO_BEAT, ["goes on by itself"]),
    ],
)
def test_what_to_do_is_named(
    log: dict[str, Any], kafka: BrokerStatus | None, unknown: tuple[str, ...], processes: Processes, said: list[str]
) -> None:
    status = SystemStatus(replace(LOG, **log), {}, kafka, dict.fromkeys(unknown, "away"))
    lines = list(advice(as_json(status), processes))
    assert len(lines) == bool(said)
    for part in said:
        assert part in lines[0]
