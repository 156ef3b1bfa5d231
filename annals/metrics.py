"""Where each role's metrics are served, and what they say of lag."""

import contextlib
import logging
import socket
from collections.abc import Mapping, Sequence

from annals.embedded.broker import free_port
from annals.settings import Settings
from contracts.errors import AnnalsError
from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from eventstore.kafka.progress import RelayProgressReader
from eventstore.lag import RELAY, LagReader
from services.operations.progress import READ_MODELS, STAGES, followed_partitions
from telemetry.server import ReadInboxes, serve

log = logging.getLogger(__name__)

LAGS_OF = {"relay": (RELAY,), "worker": STAGES, "projector": READ_MODELS}
"""The consumers that a role tells the lag of; nobody's lag is told twice. The intake tells that of the inboxes."""


class TakenPortError(AnnalsError):
    """The port for metrics is taken; set ANNALS_METRICS_PORT to another one, or to 0 for a free one."""


def serve_metrics(role: str, settings: Settings, dsn: str, broker: str) -> None:
    """Where the settings name a port. Raises TakenPortError."""
    if settings.metrics_port is None:
        return
    followed = followed_partitions(topics())
    names = LAGS_OF.get(role, ())
    reader = LagReader(dsn, {name: followed[name] for name in names if name in followed})

    def read() -> Mapping[str, tuple[int, float]]:
        # While PostgreSQL is away the lag is not known, and so is not among the metrics.
        with contextlib.suppress(StoreUnavailableError):
            found = reader.read()
            return {name: found[name] for name in names}
        return {}

    inboxes = _inboxes(settings, dsn, broker) if role == "intake" else dict
    try:
        port = serve(settings.metrics_host, settings.metrics_port, read, inboxes)
    except OSError as error:
        raise _taken(settings, settings.metrics_port, error) from error
    log.info("metrics: http://%s:%d/metrics", settings.metrics_host, port)


def _inboxes(settings: Settings, dsn: str, broker: str) -> ReadInboxes:
    # Faust takes seconds to import, and only the intake has it anyway.
    from streams.inbox_lag import InboxLag
    from streams.roles import group_of

    def group() -> str:
        # A reader is for one thread, and several may fetch metrics at once.
        with contextlib.closing(RelayProgressReader(dsn)) as progress:
            return group_of("intake", progress.read().epoch)

    lag = InboxLag(settings.kafka_client(broker), group, topics().inboxes)

    def read() -> Mapping[str, int]:
        with contextlib.suppress(StoreUnavailableError):
            return lag.read()
        return {}

    return read


def metrics_ports(settings: Settings, processes: Sequence[str]) -> dict[str, int]:
    """A port for each process: those from `metrics_port` on, or free ones. Raises TakenPortError."""
    first = settings.metrics_port
    if first is None:
        return {}
    if first == 0:
        return {name: free_port() for name in processes}
    ports = {name: first + number for number, name in enumerate(processes)}
    for port in ports.values():
        try:
            with socket.create_server((settings.metrics_host, port)):
                pass
        except (OSError, OverflowError) as error:
            raise _taken(settings, port, error) from error
    return ports


def _taken(settings: Settings, port: int, error: Exception) -> TakenPortError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return TakenPortError(
        f"metrics cannot be served at {settings.metrics_host}:{port} ({reason}); set ANNALS_METRICS_PORT to another "
        "port, or to 0 for a free one"
    )
