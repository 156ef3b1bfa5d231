"""Metrics of one process over HTTP, for Prometheus to fetch."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from telemetry.metrics import lag_families

ReadLags = Callable[[], Mapping[str, tuple[int, float]]]
"""(events, seconds) behind, for each consumer; none where they cannot be known now. Called from the server's thread."""


class LagCollector(Collector):
    """Asks for the lags each time that the metrics are fetched, and never otherwise."""

    def __init__(self, read: ReadLags) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """The names, without asking for values."""
        return lag_families({})

    def collect(self) -> Iterator[Metric]:
        """The values of this moment."""
        return lag_families(self._read())


def exposition() -> tuple[bytes, str]:
    """All metrics of this process in Prometheus' text format, and its media type."""
    return generate_latest(), CONTENT_TYPE_LATEST


def serve(host: str, port: int, read_lags: ReadLags) -> int:
    """Serve `/metrics` from a thread of its own until the process ends; 0 takes a free port. Returns the port.

    Raises OSError where the address cannot be had.
    """
    server, _ = start_http_server(port, addr=host)
    REGISTRY.register(LagCollector(read_lags))
    return int(server.server_port)
