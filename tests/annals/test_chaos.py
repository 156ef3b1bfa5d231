"""Processes and servers are killed at random during ingestion: every document processed, once in effect."""

import os
import random
from pathlib import Path

import pytest

from tests.annals.chaos import Chaos

ROUNDS, SEED = "ANNALS_TEST_ROUNDS", "ANNALS_TEST_SEED"


def survive(folder: Path, seed: int, *, count: int, large: int, kills: int) -> None:
    """One round on a data folder of its own."""
    chaos = Chaos(folder, seed, count=count, large=large)
    try:
        chaos.run(kills)
        chaos.check()
    finally:
        assert chaos.pipeline.stop() < 20


@pytest.mark.pipeline
@pytest.mark.timeout(1500)
def test_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    survive(tmp_path, 20_261_123, count=120, large=3, kills=6)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_many_rounds_of_kills(tmp_path: Path) -> None:
    """ANNALS_TEST_ROUNDS rounds (3); the first seed is ANNALS_TEST_SEED, or a new one. Each round prints its own."""
    first = int(os.environ.get(SEED) or random.SystemRandom().randrange(2**31))
    for number in range(int(os.environ.get(ROUNDS) or 3)):
        folder = tmp_path / f"round-{number}"
        folder.mkdir()
        survive(folder, first + number, count=1000, large=15, kills=20)
