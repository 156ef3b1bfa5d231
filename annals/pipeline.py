"""The whole pipeline on one machine: which processes there are, and how each is started."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from annals.embedded.broker import EmbeddedBroker, free_port
from annals.embedded.postgres import EmbeddedPostgres
from annals.gateway_address import INHERITED, STOP_GRACE_S, GatewayAddress
from annals.metrics import metrics_ports
from annals.roles import GATEWAY, NICENESS, ROLES
from annals.settings import Settings
from annals.settings_environment import settings_environment
from annals.supervision.process import ProcessSpec
from annals.supervision.supervisor import Supervisor
from contracts.topics import topics
from external.listening import url_of

Parts = tuple[list[list[ProcessSpec]], dict[str, str]]
"""Stages of processes, and the addresses that are known by them."""


def pipeline(settings: Settings, *, roles: tuple[str, ...] = ROLES, keeper: bool = False) -> Supervisor:
    """A supervisor for the servers that are not given by address, and for `roles`. Without roles, no broker."""
    addresses = {"inbox_topic": topics().inboxes[0].name}
    servers: list[ProcessSpec] = []
    if settings.postgres is None:
        postgres = EmbeddedPostgres(settings.data, settings.postgres_port, settings.postgres_memory_mb)
        addresses["postgres"] = postgres.dsn
        servers.append(
            ProcessSpec(
                role="postgres",
                command=postgres.command(),
                prepare=postgres.prepare,
                clean_up=postgres.clean_up,
                ready=postgres.ready,
                stop_signal=2,  # SIGINT: a fast shutdown, clients are sent away
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", **_mark()},
                log_file=settings.data / "logs" / "postgres.log",
            )
        )
    else:
        addresses["postgres"] = settings.postgres.get_secret_value()
    stages = [servers]
    if roles:
        (brokers, processes), more = processing(settings, addresses["postgres"], roles)
        stages = [[*servers, *brokers], processes]
        addresses |= more
    elif settings.broker is not None:
        addresses["broker"] = settings.broker
    return Supervisor(settings.data, stages, addresses, settings.profile, keeper=keeper)


def processing(settings: Settings, dsn: str, roles: tuple[str, ...] = ROLES) -> Parts:
    """Two stages: the broker where none is given by address, and the roles."""
    logs = settings.data / "logs"
    addresses: dict[str, str] = {}
    servers: list[ProcessSpec] = []
    if settings.broker is None:
        broker = EmbeddedBroker(free_port())
        addresses["broker"] = broker.address
        servers.append(
            ProcessSpec(
                role="broker",
                command=broker.command(),
                prepare=broker.prepare,
                ready=broker.ready,
                stop_signal=9,  # it keeps nothing, and waits for its clients when it is asked
                env={**os.environ, **_mark()},
                log_file=logs / "broker.log",
            )
        )
    else:
        addresses["broker"] = settings.broker
    env = child_environment(settings, dsn, addresses["broker"])
    processes = {
        f"{role}{number or ''}": role for role in roles for number in range(settings.workers if role == "worker" else 1)
    }
    ports = metrics_ports(settings, list(processes))
    addresses |= {f"metrics_{name}": url_of(settings.metrics_host, port, tls=False) for name, port in ports.items()}
    started = [_role(role, env | _metrics(ports.get(name)), logs / f"{name}.log") for name, role in processes.items()]
    if GATEWAY in roles:
        gateway = GatewayAddress.of(settings)
        addresses["gateway"] = gateway.url
        started = [
            replace(
                one,
                env={**(one.env or {}), INHERITED: str(gateway.socket.fileno())},
                files=(gateway.socket.fileno(),),
                ready=gateway.ready,
                clean_up=gateway.socket.close,
                stop_grace_s=STOP_GRACE_S,
            )
            if one.role == GATEWAY
            else one
            for one in started
        ]
    return [servers, started], addresses


def child_environment(settings: Settings, dsn: str, broker: str) -> dict[str, str]:
    """A child gets our settings, all of them, whatever they came from, with these addresses."""
    ours = {"ANNALS_POSTGRES": dsn, "ANNALS_BROKER": broker, "PYTHONUNBUFFERED": "1"}
    return {**settings_environment(settings), **ours, **_mark()}


def _role(role: str, env: dict[str, str], log_file: Path) -> ProcessSpec:
    command = [sys.executable, "-m", "annals", "run", role]
    return ProcessSpec(role=role, command=command, env=env, log_file=log_file, niceness=NICENESS.get(role, 0))


def _metrics(port: int | None) -> dict[str, str]:
    return {"ANNALS_METRICS_PORT": str(port)} if port is not None else {}


def _mark() -> dict[str, str]:
    """So that children of a supervisor that was killed can be told from anybody else's processes."""
    return {"ANNALS_SUPERVISOR": str(os.getpid())}
