"""One attack: what is sent, what is to be answered, and how it is found in the audit log."""

import contextlib
import itertools
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from annals.composition.use_cases import UseCases
from eventstore.audit_entries import AuditFilter
from eventstore.dead_letters import DeadLetters
from security.audit_chain import RecordedEntry
from tests.annals.processes import until
from tests.conftest import PostgresServer
from tests.gateway.real import HOME, THEIRS, Inside, RealGateway, database, furnish, root, soon
from tests.projections.history import open_history

_NUMBERS = itertools.count(1)
SECRETS = ("Xerxes", "Yolanda", "Zeno", "Secretum")
"""Words of the other tenant, and of nobody else."""
TRACES = ("Traceback", "asyncpg", "psycopg", "SELECT ", "annals.stored_events", "site-packages", ".py")
"""What tells an attacker how it is made."""


@dataclass(frozen=True)
class Attacker:
    """`address` is where he comes from: his alone, of loopback. Without `token` he is nobody."""

    name: str
    address: str
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What he proves himself by."""
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}


@dataclass
class Target:
    """The gateway, and the same stores opened in this process."""

    gateway: RealGateway
    inside: Inside
    letters: Mapping[str, int]
    ids: dict[str, str] = field(default_factory=dict)

    def attacker(self, *roles: str, tenant: str = HOME, scopes: tuple[str, ...] | None = None) -> Attacker:
        """Somebody new; without roles nobody."""
        number = next(_NUMBERS)
        address = f"127.{20 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"
        if not roles:
            return Attacker("nobody", address)
        name = f"attacker-{number}"

        async def made(use_cases: UseCases) -> str:
            security = use_cases.security
            await security.accounts.create(root(tenant), name, "user", roles, deadline=soon())
            issued = await security.api_keys.issue(root(tenant), name, "k", scopes=scopes, deadline=soon())
            return issued.text

        return Attacker(name, address, self.inside.do(made))

    def send(self, attacker: Attacker, method: str, path: str, **request: Any) -> httpx.Response:
        """By a client that keeps to the rules; `path` goes out as it is."""
        headers = httpx.Headers([*attacker.headers.items()])
        given = request.pop("headers", {})
        headers = httpx.Headers([*headers.multi_items(), *httpx.Headers(given).multi_items()])
        # Of its own each time, as the address is; without certificates, which it would load for 40 ms of a processor.
        transport = httpx.HTTPTransport(local_address=attacker.address, verify=False)
        with httpx.Client(base_url=self.gateway.url, transport=transport, timeout=40) as client:
            return client.request(method, path, headers=headers, **request)

    def raw(self, attacker: Attacker, *parts: bytes, limit_s: float = 20.0) -> bytes:
        """What is answered to these bytes until the connection ends; an answer's end is no end of it."""
        with self.connected(attacker, limit_s) as connection:
            for part in parts:
                connection.sendall(part)
            return received(connection)

    def connected(self, attacker: Attacker, limit_s: float = 20.0) -> socket.socket:
        """A connection from his address."""
        found = socket.create_connection(
            ("127.0.0.1", self.gateway.port), timeout=limit_s, source_address=(attacker.address, 0)
        )
        return found

    def audit(self, tenant: str | None = HOME, **wanted: Any) -> list[RecordedEntry]:
        """The newest entries of a tenant, or of none, by the use case."""
        filters = AuditFilter(**wanted)
        page = self.inside.do(
            lambda use_cases: use_cases.security.audit_service.query(
                root(tenant or HOME), filters, after=None, limit=200, of_no_tenant=tenant is None, deadline=soon()
            )
        )
        return list(page.entries)

    def found_in_audit(self, attacker: Attacker, outcome: str | None, tenant: str | None = HOME) -> bool:
        """Whether there is an entry of him with this outcome, within moments."""

        def there() -> bool:
            entries = self.audit(tenant, actor=attacker.name, **({} if outcome is None else {"outcome": outcome}))
            return any(one.entry.address == attacker.address for one in entries)

        return until(there, limit_s=10)

    def denied(self, attacker: Attacker) -> bool:
        """Whether a refusal of somebody from his address is there: of a credential that is known, its tenant's."""

        def there() -> bool:
            found = [one for tenant in (None, HOME, THEIRS, "other") for one in self.audit(tenant, outcome="denied")]
            return any(one.entry.address == attacker.address for one in found)

        return until(there, limit_s=10)


@contextlib.contextmanager
def open_target(server: PostgresServer, name: str, data: Path) -> Iterator[Target]:
    """A gateway over a database of this name: two tenants with documents, entities, questions and dead letters."""
    with database(server, name) as dsn:
        gateway = RealGateway.start(dsn, data)
        inside = Inside(gateway.settings, dsn)
        try:

            async def furnished(use_cases: UseCases) -> dict[str, int]:
                async with open_history(dsn, data) as history:
                    return await furnish(use_cases, history, DeadLetters(history.pool))

            gateway.wait_for_models()
            yield Target(gateway, inside, inside.do(furnished))
        finally:
            inside.close()
            gateway.stop()


def received(connection: socket.socket) -> bytes:
    """All of it."""
    found = b""
    try:
        while len(found) < 1_000_000 and (some := connection.recv(65_536)):
            found += some
    except (TimeoutError, ConnectionResetError):
        pass
    return found


def status_of(answer: bytes) -> int:
    """Of the first answer; 0 where there is none."""
    head = answer.split(b"\r\n", 1)[0].split(b" ")
    return int(head[1]) if len(head) > 1 and head[0].startswith(b"HTTP/") else 0


def says_nothing(text: str) -> None:
    """Nothing of another tenant, and nothing of how it is made."""
    for word in (*SECRETS, *TRACES):
        assert word not in text, f"{word} in {text[:500]}"


def is_problem(answer: httpx.Response) -> None:
    """A refusal as RFC 9457 has it, that says nothing."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = json.loads(answer.text)
    assert problem["status"] == answer.status_code and problem["type"].startswith("urn:annals:problem:")
    says_nothing(answer.text)
