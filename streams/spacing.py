"""How far apart batches begin: further in a flood, where a batch costs by itself and fewer of them are cheaper."""

from collections import deque

MANY, MANY_S, FLOOD_S = 50, 0.25, 1.0
"""Where batches of so many items together begin within MANY_S there is a flood, and FLOOD_S later still."""


class Spacing:
    """Of one handler's batches. Times are those of one clock."""

    def __init__(self, apart_s: float, gathers_s: float) -> None:
        """Where few come, and in a flood; see `streams.handler.Handler`."""
        self._apart_s = apart_s
        self._gathers_s = gathers_s
        self._begun: deque[tuple[float, int]] = deque()
        self._flood_until = 0.0
        self.next_at = 0.0
        """When the next batch begins, unless it is full before."""

    def begins(self, now: float, items: int) -> None:
        """A batch of so many begins."""
        self._begun.append((now, items))
        while self._begun[0][0] < now - MANY_S:
            self._begun.popleft()
        if sum(count for _, count in self._begun) >= MANY:
            self._flood_until = now + FLOOD_S
        self.next_at = now + (self._gathers_s if now < self._flood_until else self._apart_s)
