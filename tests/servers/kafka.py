"""Apache Kafka as one node: broker and controller in one (KRaft)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka.admin import AdminClient

from tests.servers.containers import Container
from tests.servers.packages import YOUNG, Say, java, kept, maven
from tests.servers.processes import Launch
from tests.servers.ways import Recipe, free_ports

VERSION = "4.4.0"
HEAP = "512m"
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
MODULES = {
    "kafka": (
        f"org.apache.kafka:kafka_2.13:{VERSION}",
        # The binding of slf4j 1.7, which Kafka uses: log4j-slf4j2-impl would stay silent.
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5",
        "org.apache.logging.log4j:log4j-core:2.25.5",
    )
}

# One node can hold one copy of anything, and a test does not wait for a group's other members.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "num.partitions": "3",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "log.cleaner.dedupe.buffer.size": "33554432",
}
LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}] %-5p %c{1.} %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


@dataclass(frozen=True)
class Listener:
    """One more way in, beside the plain one. `settings` are Kafka's, for this listener alone."""

    name: str
    protocol: str
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)


def _address(port: int) -> str:
    return f"127.0.0.1:{port}"


def ready(address: str) -> None:
    # A broker that may not serve yet is not among those of the metadata.
    metadata = AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=2)
    if not metadata.brokers:
        raise ConnectionError("no broker serves yet")


def _container(port: int) -> Container:
    settings = SETTINGS | {
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://{_address(port)},CONTROLLER://localhost:9093",
        "controller.quorum.voters": "1@localhost:9093",
        "log.dirs": "/tmp/kraft-combined-logs",
    }
    env = {f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in settings.items()}
    heap = {"KAFKA_HEAP_OPTS": f"-Xms{HEAP} -Xmx{HEAP}", "CLUSTER_ID": CLUSTER_ID}
    return Container(f"apache/kafka:{VERSION}", 9092, env | heap)


def launch_with(folder: Path, port: int, say: Say, listeners: Sequence[Listener], users: Sequence[str]) -> Launch:
    """Kafka with more ways in than the plain one at `port`; `users` as `kafka-storage.sh format --add-scram` has them.

    Raises MissingError, FetchError.
    """
    program = java(17)
    jars = kept("kafka", repr(MODULES), lambda whole: maven(whole, MODULES), say) / "kafka"
    (controller,) = free_ports(1)
    ways = [Listener("PLAINTEXT", "PLAINTEXT", port), Listener("CONTROLLER", "PLAINTEXT", controller), *listeners]
    listening = ",".join(f"{way.name}://{_address(way.port)}" for way in ways)
    settings = SETTINGS | {
        "listeners": listening,
        "advertised.listeners": listening,
        "listener.security.protocol.map": ",".join(f"{way.name}:{way.protocol}" for way in ways),
        "controller.quorum.bootstrap.servers": _address(controller),
        "log.dirs": str(folder / "data"),
        **{f"listener.name.{way.name.lower()}.{key}": value for way in ways for key, value in way.settings.items()},
    }
    properties, logging = folder / "server.properties", folder / "log4j2.properties"
    properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    logging.write_text(LOGGING)
    base = [program, YOUNG, "-cp", f"{jars}/*", f"-Dlog4j2.configurationFile={logging}"]
    format_ = ["kafka.tools.StorageTool", "format", "--standalone", "--cluster-id", CLUSTER_ID, "--config"]
    scram = [argument for user in users for argument in ("--add-scram", user)]
    heap = [f"-Xms{HEAP}", f"-Xmx{HEAP}", "-XX:+UseG1GC", "-Djava.awt.headless=true"]
    return Launch(
        command=[*base, *heap, "kafka.Kafka", str(properties)],
        prepare=[*base, "-Xmx128m", *format_, str(properties), *scram],
    )


def _launch(folder: Path, port: int, say: Say) -> Launch:
    return launch_with(folder, port, say, listeners=(), users=())


KAFKA = Recipe("Kafka", "ANNALS_TEST_KAFKA", _address, ready, _container, _launch)
