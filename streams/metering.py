"""What the metrics are told of each batch."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from eventstore.errors import StoreUnavailableError
from telemetry import metrics


@contextmanager
def metered(consumer: str, items: int) -> Iterator[None]:
    """Count what a handler processed, its seconds and its failures. A batch of nothing is none."""
    began = time.monotonic()
    try:
        yield
    except StoreUnavailableError:
        metrics.FAILURES.labels(consumer, "unavailable").inc()
        raise
    except Exception:
        metrics.FAILURES.labels(consumer, "failed").inc()
        raise
    if items:
        metrics.PROCESSED.labels(consumer).inc(items)
        metrics.BATCH_SECONDS.labels(consumer).observe(time.monotonic() - began)
