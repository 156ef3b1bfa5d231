"""Python's garbage collector in a process that answers questions, or works on events.

A question makes some 50,000 objects, nearly all at once and none in a circle. Looked at every 700 of them, and with all
that the process has loaded, they cost a quarter of its processor time. A batch of events is no different.
"""

import gc

ALLOCATIONS = 10_000
"""New objects, beyond those that went, after which the young are looked at."""


def collect_rarely() -> None:
    """To be called once a process has loaded what stays: that is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, *gc.get_threshold()[1:])
