"""Branch coverage, where it is measured: of the examples that somebody wrote, not of those that Hypothesis makes.

Those run the same lines over and over, and take three times as long when each is counted.
"""

import contextlib
import sys
from collections.abc import Iterator

import pytest


def is_made(item: pytest.Item) -> bool:
    """Whether Hypothesis makes its examples, or the steps of its machine."""
    return item.get_closest_marker("hypothesis") is not None or item.name == "runTest"


@contextlib.contextmanager
def unmeasured() -> Iterator[None]:
    """Nothing is counted in the block, in this thread."""
    tracing = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracing)
