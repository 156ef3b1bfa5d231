"""Seeds and numbers of rounds: what a test prints, and what `make test-long` chooses by the environment."""

import os
import random

ROUNDS, SEED = "ANNALS_TEST_ROUNDS", "ANNALS_TEST_SEED"


def first_seed() -> int:
    """ANNALS_TEST_SEED, or a new one."""
    return int(os.environ.get(SEED) or random.SystemRandom().randrange(2**31))


def rounds(usual: int) -> int:
    """ANNALS_TEST_ROUNDS, or the usual number."""
    return int(os.environ.get(ROUNDS) or usual)
