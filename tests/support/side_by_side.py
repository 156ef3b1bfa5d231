"""The unit tests in three processes, each with its part of the files.

A process collects only what it runs, which takes a sixth less time than handing single tests out.
"""

import os
import subprocess
import sys

from tests.support.tiers import PART

PARTS = 3
"""One more than cores where there are two: some tests wait."""
UNIT = ("-q", "-m", "unit", "--ignore=tests/servers", "-p", "no:schemathesis")


def main() -> int:
    """What each part says, when it has ended; the first exit code that is not 0."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", *UNIT],
            env=os.environ | {PART: f"{part}/{PARTS}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for part in range(PARTS)
    ]
    failed = 0
    for process in running:
        said, _ = process.communicate()
        sys.stdout.buffer.write(said)
        sys.stdout.flush()
        failed = failed or process.returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
