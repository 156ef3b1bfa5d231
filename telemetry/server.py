"""Metrics of one process over HTTP, for Prometheus to fetch."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from telemetry.metrics import inbox_family, lag_families

ReadLags = Callable[[], Mapping[str, tuple[int, float]]]
"""(events, seconds) behind, for each consumer; none where they cannot be known now. Called from the server's thread."""


ReadInboxes = Callable[[], Mapping[str, int]]
"""Messages that wait, for each inbox topic; otherwise like `ReadLags`."""


class LagCollector(Collector):
    """Asks for the lags each time that the metrics are fetched, and never otherwise."""

    def __init__(self, read: ReadLags, read_inboxes: ReadInboxes) -> None:
        self._read = read
        self._read_inboxes = read_inboxes

    def describe(self) -> Iterator[Metric]:
        """The names, without asking for values."""
        yield from lag_families({})
        yield inbox_family({})

    def collect(self) -> Iterator[Metric]:
        """The values of this moment."""
        yield from lag_families(self._read())
        yield inbox_family(self._read_inboxes())


def exposition() -> tuple[bytes, str]:
    """All metrics of this process in Prometheus' text format, and its media type."""
    return generate_latest(), CONTENT_TYPE_LATEST


def serve(host: str, port: int, read_lags: ReadLags, read_inboxes: ReadInboxes = dict) -> int:
    """Serve `/metrics` from a thread of its own until the process ends; 0 takes a free port. Returns the port.

    Raises OSError where the address cannot be had.
    """
    server, _ = start_http_server(port, addr=host)
    REGISTRY.register(LagCollector(read_lags, read_inboxes))
    return int(server.server_port)
