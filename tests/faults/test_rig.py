"""`annals up` under kills, pauses, restarts, cut connections, doubled and stale deliveries, a broker without memory."""

import sys
import time
from pathlib import Path

import pytest

from tests.faults.rig import Rig
from tests.faults.seeds import first_seed, rounds


def survive(folder: Path, seed: int, count: int, *, heavy_every: int, check_every: int) -> None:
    """So many rounds on one pipeline; every `heavy_every`th may be of a process with models."""
    rig = Rig(folder, seed)
    began = time.monotonic()
    try:
        for number in range(1, count + 1):
            rig.round(heavy=number % heavy_every == 0)
            rig.check_log()
            if number % check_every == 0 or number == count:
                rig.check()
                print(f"rig: {number} of {count} rounds, {time.monotonic() - began:.0f} s", file=sys.stderr)
        rig.verify()
    finally:
        print(
            f"rig: {time.monotonic() - began:.1f} s, writes {sum(map(len, rig.writes.values()))}, "
            f"faults {dict(rig.faults)}, tried again {dict(rig.retries)}",
            file=sys.stderr,
        )
        rig.stop()


@pytest.mark.pipeline
@pytest.mark.timeout(900)
def test_what_was_acknowledged_is_there_once_whatever_breaks(tmp_path: Path) -> None:
    survive(tmp_path, 20_261_126, 50, heavy_every=10, check_every=25)


@pytest.mark.long
@pytest.mark.timeout(8 * 3600)
def test_many_rounds_of_faults(tmp_path: Path) -> None:
    """ANNALS_TEST_ROUNDS rounds (1,000), the first seed is ANNALS_TEST_SEED or a new one."""
    survive(tmp_path, first_seed(), rounds(1000), heavy_every=2, check_every=20)
