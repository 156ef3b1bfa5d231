"""What a command costs a processor."""

import os
import subprocess
from collections.abc import Mapping, Sequence


def processor_s(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, str]:
    """User and system time of the process, from its start to its end, and what it said.

    Raises RuntimeError where it fails.
    """
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        said = output.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[:4]} ended with {process.returncode} and said {said!r}")
    return usage.ru_utime + usage.ru_stime, said
