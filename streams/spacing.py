"""How far apart batches begin: further in a flood, where a batch costs by itself and fewer of them are cheaper."""

from collections import deque
from typing import Protocol

MANY, MANY_S, FLOOD_S = 50, 0.25, 1.0
"""Where batches of so many items together begin within MANY_S there is a flood, and FLOOD_S later still."""


class Spaced(Protocol):
    """What a handler says of it; see `streams.handler.Handler`."""

    @property
    def gathers_s(self) -> float:
        """In a flood."""
        ...

    @property
    def apart_s(self) -> float:
        """Where few come."""
        ...


class Spacing:
    """Of one handler's batches. Times are those of one clock."""

    def __init__(self, handler: Spaced) -> None:
        self._handler = handler
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
        self.next_at = now + (self._handler.gathers_s if now < self._flood_until else self._handler.apart_s)
