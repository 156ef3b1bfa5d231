"""The garbage collector of a process that answers."""

import subprocess
import sys

OBJECTS = 50_000
COUNTED = f"""
import gc
from telemetry.collector import collect_rarely
collect_rarely()
runs = []
gc.callbacks.append(lambda phase, _: runs.append(phase))
kept = [[] for _ in range({OBJECTS})]
del gc.callbacks[:]
print(runs.count("start"), gc.get_freeze_count() > 0, gc.isenabled())
"""


def test_the_young_are_looked_at_rarely_and_what_was_loaded_is_not() -> None:
    # In a process of its own: the setting is the whole process's.
    said = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True).stdout.split()
    assert 0 < int(said[0]) <= 5
    assert said[1:] == ["True", "True"]
