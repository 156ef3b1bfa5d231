"""Partitions that lag while nothing of them is delivered: when it is time to do something about them."""

from collections.abc import Mapping

from contracts.topics import Partition

UNDELIVERED_S = 4.0
"""A partition that lags for so long while nothing of it is in hand stands still."""


class Undelivered:
    """Since when each of them stands still, and how often it was of no use to do something about it."""

    def __init__(self) -> None:
        self._since: dict[Partition, tuple[int, float]] = {}
        self._tries = 0

    def is_due(self, committed: Mapping[Partition, int], now_s: float) -> bool:
        """Whether to resume now. `committed` has the offsets of all partitions that lag with nothing delivered.

        The first time after UNDELIVERED_S, then each time after twice as long, until none is left.
        """
        self._since = {
            partition: self._since[partition] if self._since.get(partition, (None,))[0] == offset else (offset, now_s)
            for partition, offset in committed.items()
        }
        if not self._since:
            self._tries = 0
            return False
        waited_s = now_s - min(since_s for _, since_s in self._since.values())
        if waited_s < UNDELIVERED_S * (2 ** (self._tries + 1) - 1):
            return False
        self._tries += 1
        return True
