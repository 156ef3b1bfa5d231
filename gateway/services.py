"""The use cases that handlers call, handed over by the composition root."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from services.deadline import Deadline
from services.processing.interface import AiProcessing
from services.rate_limits import RateLimits
from services.reasoning.interface import Reasoning
from services.storage.interface import Storage

Check = Callable[[], Awaitable[None]]
"""Returns where a part is ready to serve, and raises where it is not."""


class ModelServices(Protocol):
    """Those that run models."""

    @property
    def processing(self) -> AiProcessing:
        """Of texts that a caller sends."""
        ...

    @property
    def reasoning(self) -> Reasoning:
        """Of questions."""
        ...


@dataclass(frozen=True, slots=True)
class GatewayServices:
    """`models` waits until the models are loaded; `checks`: what `/health/ready` asks, by the part's name."""

    limits: RateLimits
    storage: Storage
    models: Callable[[Deadline], Awaitable[ModelServices]]
    checks: Mapping[str, Check]
