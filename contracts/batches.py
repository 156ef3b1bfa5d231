"""Cutting a stream of items into batches, by their bytes and by their number."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from contracts import limits

Item = TypeVar("Item")


def batches(
    items: Iterable[Item], size: Callable[[Item], int], *, max_bytes: int | None = None, max_items: int | None = None
) -> Iterator[list[Item]]:
    """The items in order, in batches of at most `max_bytes` (by default BATCH_BYTES) and `max_items`; an item that is
    larger than that comes alone.

    `size` gives an item's bytes. Items are taken only as they are needed.
    """
    most = limits.BATCH_BYTES if max_bytes is None else max_bytes
    batch: list[Item] = []
    total = 0
    for item in items:
        own = size(item)
        if batch and total + own > most:
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += own
        if len(batch) == max_items:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch
