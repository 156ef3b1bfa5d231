"""A gateway over services that are written by hand, called in this process."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import httpx

from eventstore.idempotency import KeptAnswer, KeyScope
from gateway.app import EnhancedKnowledgeStorageGateway
from gateway.endpoint import ApiEndpointConfig
from gateway.endpoints import ENDPOINTS
from gateway.jobs import Jobs
from gateway.services import GatewayServices, ModelServices
from gateway.streams import LiveStreams
from inference.formats.pool import ReaderPool
from security.access import FULL_ACCESS, NO_ATTRIBUTES, Access, AccessDecision, FullAccess
from security.audit import AuditEntry
from security.errors import InvalidCredentialError, MissingCredentialError
from security.principal import Principal
from services.caller import Caller
from services.corrections.use_cases import Corrections
from services.deadline import Deadline
from services.errors import AccessDeniedError
from services.knowledge.use_cases import Knowledge
from services.local_rate_limits import LocalRateLimits
from services.operations.use_cases import Operations
from services.positions import ShownPositions
from services.security.access_tokens import AccessToken
from services.security.sign_in import TokenPair
from services.security.use_cases import Security
from services.storage.file_taking import TakeFiles
from services.storage.interface import StorageLocation, StoreDocumentRequest, StoreDocumentResponse
from services.storage.use_cases import Storage as Documents

T = TypeVar("T")

DOCUMENT = {"id": "d1", "title": "Lisse", "text": "Lisse lies on the coast."}
ADA = {"authorization": "Bearer ada"}


class Tokens:
    """A user for each token: his name is the token, his tenant what stands before the last dash."""

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, str]] = []

    async def authenticate(
        self, authorization: str | None, client: str, deadline: Deadline, along: object = None
    ) -> Principal:
        self.asked.append((authorization, client))
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise MissingCredentialError()
        tenant, _, name = token.rpartition("-")
        return Principal(name, "user", tenant or "default", ("reader",), None, f"token {name}")


@dataclass
class Permissions:
    """Everything but what is `denied`, as `resource:action`; where nothing is, what `access` gives."""

    denied: set[str] = field(default_factory=set)
    access: Access = FULL_ACCESS

    async def access_of(self, principal: Principal, address: str | None, now: datetime) -> Access:
        return _Denying(frozenset(self.denied)) if self.denied else self.access

    def access_at(self, principal: Principal, address: str | None, now: datetime, version: object) -> Access | None:
        return None


class _Denying(FullAccess):
    def __init__(self, denied: frozenset[str]) -> None:
        self._denied = denied

    def decide(self, resource: str, action: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> AccessDecision:
        allowed = f"{resource}:{action}" not in self._denied
        return AccessDecision(allowed, reason="" if allowed else "no role gives it")


class Audit:
    """What was recorded."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


class Measures(LocalRateLimits):
    """At a standing clock."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)

    @property
    def used(self) -> Mapping[tuple[str, str], float]:
        """Seconds that are taken, by tenant and subject."""
        return self._until


class Keys:
    """In memory, and held for ever."""

    def __init__(self) -> None:
        self.kept: dict[KeyScope, KeptAnswer] = {}

    def fingerprint(self, asked: bytes) -> bytes:
        return hashlib.sha256(asked).digest()

    async def begin(self, scope: KeyScope, fingerprint: bytes, holder: UUID, limit_s: float) -> KeptAnswer | None:
        if scope in self.kept:
            return self.kept[scope]
        self.kept[scope] = KeptAnswer(fingerprint, None, (), b"")
        return None

    async def finish(
        self, scope: KeyScope, holder: UUID, status: int, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> None:
        self.kept[scope] = KeptAnswer(self.kept[scope].fingerprint, status, headers, body)

    async def forget(self, scope: KeyScope, holder: UUID) -> None:
        del self.kept[scope]


class Storage:
    """Keeps what it is told; each of `failures` is raised once before."""

    def __init__(self) -> None:
        self.stored: list[tuple[Caller, StoreDocumentRequest]] = []
        self.failures: list[Exception] = []
        self.tries = 0
        self.pause: Callable[[], Awaitable[None]] | None = None

    async def store_document(
        self, caller: Caller, request: StoreDocumentRequest, deadline: Deadline
    ) -> StoreDocumentResponse:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        if self.pause is not None:
            await self.pause()
        outcome = "ingested" if all(one.document_id != request.document_id for _, one in self.stored) else "updated"
        self.stored.append((caller, request))
        version = len(self.stored)
        return StoreDocumentResponse(
            request.document_id,
            outcome,  # type: ignore[arg-type]
            (StorageLocation("log", version, True),),
            {
                "outcome": outcome,
                "version": version,
                "position": version,
                "correlation_id": caller.correlation_id or "",
            },
        )


class SignIn:
    """Lets ada in with the right password, and knows one refresh token."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.failures: list[Exception] = []

    async def sign_in(
        self, tenant: str, account: str, password: str, client: str, *, request_id: str, **more: Any
    ) -> TokenPair:
        self.asked.append((tenant, account, client, request_id))
        if self.failures:
            raise self.failures.pop(0)
        if (tenant, account, password) != ("default", "ada", "correct horse battery"):
            raise InvalidCredentialError("a wrong password", account, tenant)
        return self._pair()

    async def refresh(self, token: str, client: str, *, request_id: str, **more: Any) -> TokenPair:
        self.asked.append((token, client, request_id))
        if token != "anr_1":
            raise InvalidCredentialError("an unknown or expired refresh token")
        return self._pair()

    async def sign_out(self, token: str, client: str, *, request_id: str, **more: Any) -> None:
        self.asked.append((token, client, request_id))

    async def jwks(self) -> dict[str, list[Mapping[str, Any]]]:
        return {"keys": [{"kty": "EC", "kid": "k7"}]}

    def _pair(self) -> TokenPair:
        until = datetime(2026, 1, 5, 10, 10, tzinfo=UTC)
        return TokenPair(AccessToken("eyJ.secret", "t1", "ada", until, None), "anr_1", until)


class Gateway:
    """The application with its fakes, and a client of it."""

    def __init__(self, endpoints: Sequence[ApiEndpointConfig] = ENDPOINTS, origins: Sequence[str] = ()) -> None:
        self.tokens, self.permissions, self.measures = Tokens(), Permissions(), Measures()
        self.audit, self.keys = Audit(), Keys()
        self.storage, self.sign_in = Storage(), SignIn()
        self.readers = ReaderPool()
        self.failing: set[str] = set()
        self.jobs = Jobs()
        self.app = EnhancedKnowledgeStorageGateway(
            self._services(),
            self.tokens,
            self.permissions,
            self.audit,
            endpoints,
            origins,
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url="http://gateway"
        )

    def _services(self) -> GatewayServices:
        """With storage alone: nothing else is called by the tests of the chain."""
        nothing: Any = None
        sign_in: Any = self.sign_in
        return GatewayServices(
            limits=self.measures,
            idempotency=self.keys,
            storage=self.storage,
            documents=_none_of(Documents),
            knowledge=_none_of(Knowledge),
            corrections=_none_of(Corrections),
            model_cache=nothing,
            embedder=nothing,
            reading=nothing,
            preview=nothing,
            files=TakeFiles(self.storage, self.readers),
            search=nothing,
            past=nothing,
            operations=_none_of(Operations),
            serving=nothing,
            security=replace(_none_of(Security), sign_in=sign_in, signer=sign_in),
            webhooks=nothing,
            jobs=self.jobs,
            streams=LiveStreams(),
            positions=ShownPositions(bytes(32)),
            models=_no_models,
            checks={"databases": self._check},
        )

    async def _check(self) -> None:
        if "databases" in self.failing:
            raise AccessDeniedError()


def _none_of(kind: type[T]) -> T:
    """With nothing in it."""
    return kind(*[None] * len(fields(kind)))  # type: ignore[arg-type]


async def _no_models(deadline: Deadline) -> ModelServices:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")
