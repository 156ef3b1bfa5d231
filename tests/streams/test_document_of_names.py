"""A document of nothing but names: what is found in it is many times as large as memory may grow."""

import subprocess
import sys

import pytest

TEXT_BYTES = 700_000
LIMIT_MIB = 100
"""As objects, its mentions and relations take 450 MiB."""


@pytest.mark.timeout(300)
def test_no_stage_holds_all_that_is_found(dsn: str) -> None:
    command = [sys.executable, "-m", "tests.support.document_of_names", dsn, str(TEXT_BYTES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) < LIMIT_MIB, done.stderr
