"""Everything that may happen, in any order, beside a plain model: some hundred steps always, many where asked."""

import asyncio
import sys
import time
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import Databases, PostgresServer
from tests.faults.driving import Steps
from tests.faults.machine import AnnalsMachine
from tests.faults.seeds import first_seed, rounds
from tests.faults.world import open_world

STEPS = 50
"""Of one example, each on a database of its own."""


def run_machine(
    server: PostgresServer, databases: Databases, folder: Path, seed: int, examples: int, *, shrink: bool = False
) -> Steps:
    """So many examples that follow from `seed`. With `shrink` what fails is made smaller, which takes minutes."""
    steps, began = Steps(), time.monotonic()
    print(f"\nmachine: seed {seed}, {examples} examples of {STEPS} steps", file=sys.stderr)
    with asyncio.Runner() as runner:

        @hypothesis.seed(seed)
        class Machine(AnnalsMachine):
            """Over a fresh database."""

            def __init__(self) -> None:
                self._database = databases.take()
                self._opened = open_world(server.dsn(self._database), folder)
                super().__init__(runner, runner.run(self._opened.__aenter__()), steps)

            def teardown(self) -> None:
                """The database goes."""
                try:
                    self.end_well()
                finally:
                    runner.run(self._opened.__aexit__(None, None, None))
                    databases.drop(self._database)

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=STEPS,
                database=None,
                phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
        )
    seconds = time.monotonic() - began
    print(f"machine: {steps.total} steps in {seconds:.1f} s: {steps.taken}", file=sys.stderr)
    return steps


@pytest.mark.timeout(600)
def test_read_models_hold_what_was_told_whatever_happens(
    postgres_server: PostgresServer, databases: Databases, tmp_path: Path
) -> None:
    steps = run_machine(postgres_server, databases, tmp_path, 20_261_126, 10)
    assert steps.total >= 10 * STEPS


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_many_examples(postgres_server: PostgresServer, databases: Databases, tmp_path: Path) -> None:
    """ANNALS_TEST_ROUNDS times ten examples (10); the first seed is ANNALS_TEST_SEED, or a new one."""
    first = first_seed()
    for number in range(rounds(10)):
        run_machine(postgres_server, databases, tmp_path, first + number, 10, shrink=True)
