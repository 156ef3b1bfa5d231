"""The use cases that handlers call, handed over by the composition root."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.chain.idempotency import Keys
from gateway.jobs import Jobs
from gateway.streams import LiveStreams
from reasoning.results import ScoredPassage
from services.caller import Caller
from services.deadline import Deadline
from services.operations.dead_letters import DeadLetterService
from services.operations.events import ReadEvents
from services.operations.rebuilding import Rebuilding
from services.operations.reprocessing import Reprocess
from services.operations.status import ReadStatus
from services.positions import ShownPositions
from services.processing.interface import AiProcessing
from services.processing.serving import ServingModels
from services.rate_limits import RateLimits
from services.reasoning.interface import Reasoning
from services.security.accounts import AccountService
from services.security.api_keys import ApiKeyService
from services.security.audit import AuditService
from services.security.compliance import ComplianceMonitor
from services.security.data_keys import DataKeyService
from services.security.policies import PolicyService
from services.security.retention import RetentionService
from services.security.sign_in import SignInService
from services.security.signing import TokenSigner
from services.security.threats import ThreatDetector
from services.storage.consistency import ReadYourWrites
from services.storage.cross_database import DatabaseIntegrationLayer
from services.storage.deletion import DeleteDocuments
from services.storage.interface import Storage
from services.storage.listing import Listing
from services.storage.parts import ListParts
from services.storage.reading import ReadDocument
from services.storage.show import Show
from services.storage.waiting import WaitForDocuments
from services.webhooks.service import WebhookService

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

    async def search(self, caller: Caller, query: str, k: int, deadline: Deadline) -> list[ScoredPassage]:
        """The `k` passages nearest to `query` by meaning and by words."""
        ...

    async def embed(self, query: str) -> tuple[str, Sequence[float]]:
        """Revision of the embedder, and its vector of length 1."""
        ...


@dataclass(frozen=True, slots=True)
class DocumentServices:
    """Documents, and what was found in them."""

    storage: Storage
    reading: ReadDocument
    listing: Listing
    show: Show
    deletion: DeleteDocuments
    waiting: WaitForDocuments
    parts: ListParts
    consistency: ReadYourWrites
    databases: DatabaseIntegrationLayer


@dataclass(frozen=True, slots=True)
class OperationServices:
    """For operators."""

    status: ReadStatus
    models: ServingModels
    reprocess: Reprocess
    rebuilding: Rebuilding
    dead_letters: DeadLetterService
    events: ReadEvents


@dataclass(frozen=True, slots=True)
class SecurityServices:
    """For administrators and auditors; `sign_in` and the keys of `signer` for everybody."""

    sign_in: SignInService
    signer: TokenSigner
    accounts: AccountService
    api_keys: ApiKeyService
    policies: PolicyService
    audit: AuditService
    data_keys: DataKeyService
    threats: ThreatDetector
    compliance: ComplianceMonitor
    retention: RetentionService


@dataclass(frozen=True, slots=True)
class GatewayServices:
    """`models` waits until the models are loaded; `checks`: what `/health/ready` asks, by the part's name."""

    limits: RateLimits
    idempotency: Keys
    documents: DocumentServices
    operations: OperationServices
    security: SecurityServices
    webhooks: WebhookService
    jobs: Jobs
    streams: LiveStreams
    positions: ShownPositions
    models: Callable[[Deadline], Awaitable[ModelServices]]
    checks: Mapping[str, Check]
