"""The composition root: the one place that knows which store is used."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from confluent_kafka import KafkaException

from annals.databases.connections import ConnectionManager, open_connections
from annals.embedded.postgres import ensure_vector
from annals.profiles import read_side
from annals.settings import Settings
from contracts.topics import Topics, topics
from eventstore.access_version import AccessVersion
from eventstore.accounts import AccountReader
from eventstore.api_keys import ApiKeys
from eventstore.audit import AuditWriter, open_audit
from eventstore.audit_entries import AuditEntries
from eventstore.commands import Commands
from eventstore.dead_letters import DeadLetters
from eventstore.kafka.admin import BrokerAdmin
from eventstore.kafka.ownership import own_topics
from eventstore.log import EventLog
from eventstore.migrations import migrate
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool, take_turn, transaction
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from eventstore.receipts import InboxReceipts
from eventstore.reprocess_requests import ReprocessRequests
from eventstore.texts import TextStore
from projections.answers.reads import AnswerCache
from projections.graph.reads import GraphReader
from projections.projection import Projection
from projections.projector import Projector
from projections.relational.reads import RelationalReader
from projections.vector.reads import PassageReader
from security.authorization import RbacAuthorizationEngine
from services.operations.dead_letters import DeadLetterService
from services.operations.rebuilding import Rebuilding
from services.operations.reprocessing import Reprocess
from services.rate_limits import RateLimits
from services.security.accounts import AccountService
from services.security.api_keys import ApiKeyService
from services.security.audit import AuditService
from services.security.authentication import AuthenticationService
from services.security.local_administrator import TENANT, LocalAdministrator
from services.security.policies import PolicyService
from services.storage.cross_database import DatabaseIntegrationLayer
from services.storage.deletion import DeleteDocuments
from services.storage.intake import Intake
from services.storage.listing import Listing
from services.storage.show import Show
from services.storage.waiting import WaitForDocuments


@dataclass(frozen=True)
class Services:
    """Everything over one database, opened."""

    settings: Settings
    dsn: str
    topics: Topics
    connections: ConnectionManager
    reader: EventReader
    commands: Commands
    texts: TextStore
    outputs: ModelOutputs
    receipts: InboxReceipts
    positions: ConsumerPositions
    letters: DeadLetters
    intake: Intake
    deletion: DeleteDocuments
    show: Show
    listing: Listing
    waiting: WaitForDocuments
    reprocess: Reprocess
    dead_letters: DeadLetterService
    rebuilding: Rebuilding
    projections: dict[str, Projection]
    relational: RelationalReader
    graph: GraphReader
    passages: PassageReader
    answers: AnswerCache
    limits: RateLimits
    databases: DatabaseIntegrationLayer
    authentication: AuthenticationService
    accounts: AccountService
    api_keys: ApiKeyService
    policies: PolicyService
    local_administrator: LocalAdministrator
    audit: AuditWriter
    audit_service: AuditService

    @property
    def log(self) -> EventLog:
        """What appends."""
        return self.connections.log

    @property
    def pool(self) -> PostgresPool:
        """PostgreSQL's."""
        return self.connections.postgres


@contextlib.asynccontextmanager
async def open_services(settings: Settings, dsn: str) -> AsyncIterator[Services]:
    """Bring the database to today's schema and open everything over it.

    Raises StoreUnavailableError, AnnalsError without pgvector, OldSchemaError.
    """
    if settings.profile == "embedded":
        await ensure_vector(dsn)
    await migrate(dsn)
    async with contextlib.AsyncExitStack() as stack:
        connections = await stack.enter_async_context(open_connections(settings, dsn))
        pool = connections.postgres
        reader, texts, outputs = EventReader(pool), TextStore(pool), ModelOutputs(pool)
        commands = Commands(connections.log, reader)
        stack.callback(commands.close)
        receipts = InboxReceipts(pool)
        letters, positions = DeadLetters(pool), ConsumerPositions(pool)
        entries = AuditEntries(pool)
        audit = await stack.enter_async_context(open_audit(entries, settings.audit_level))
        read = read_side(connections, texts, outputs)
        projections = {
            model.name: Projection(model, store, Projector(model, store, reader)) for model, store in read.models
        }
        access_version = AccessVersion(dsn)
        stack.push_async_callback(access_version.close)
        account_reader, stored_keys = AccountReader(pool, reader), ApiKeys(pool)
        authentication = AuthenticationService(access_version, stored_keys, account_reader)
        accounts, api_keys = AccountService(commands, account_reader), ApiKeyService(stored_keys, account_reader)
        yield Services(
            settings=settings,
            dsn=dsn,
            topics=topics(),
            connections=connections,
            reader=reader,
            commands=commands,
            texts=texts,
            outputs=outputs,
            receipts=receipts,
            positions=positions,
            letters=letters,
            intake=Intake(commands, texts, receipts, max_document_bytes=settings.max_document_bytes),
            deletion=DeleteDocuments(commands, reader),
            show=Show(reader, read.relational, read.graph, read.passages),
            listing=Listing(read.relational),
            dead_letters=DeadLetterService(letters),
            rebuilding=Rebuilding(dsn, projections, reader, positions, topics(), lambda: _claim(connections, reader)),
            waiting=WaitForDocuments(reader, letters, [store for _, store in read.models]),
            reprocess=Reprocess(reader, ReprocessRequests(pool), positions, letters, read.relational, topics()),
            projections=projections,
            relational=read.relational,
            graph=read.graph,
            passages=read.passages,
            answers=read.answers,
            limits=read.limits,
            databases=DatabaseIntegrationLayer(read.relational, read.graph, read.passages, read.models, topics()),
            authentication=authentication,
            accounts=accounts,
            api_keys=api_keys,
            policies=PolicyService(RbacAuthorizationEngine(home=TENANT), commands, reader, access_version),
            local_administrator=LocalAdministrator(accounts, api_keys, authentication),
            audit=audit,
            audit_service=AuditService(entries, audit),
        )


async def claim_servers(services: Services) -> None:
    """Check that the databases beside the log answer, and belong to this log.

    Raises ForeignServerError, StoreUnavailableError.
    """
    await _claim(services.connections, services.reader)


async def _claim(connections: ConnectionManager, reader: EventReader) -> None:
    if connections.servers is not None:
        await connections.check()
        # Drivers that the embedded profile need not load.
        from annals.databases.ownership import claim

        await claim(connections.servers, await reader.identity())


async def check_broker(services: Services, broker: str) -> None:
    """See that Kafka is not another log's; one that does not answer is asked again by the roles.

    Raises ForeignBrokerError.
    """
    admin, log_id = BrokerAdmin(services.settings.kafka_client(broker)), await services.reader.identity()
    with contextlib.suppress(KafkaException):
        await asyncio.to_thread(own_topics, admin, log_id)


async def open_read_models(services: Services) -> None:
    """Make the read models where there are none, one process at a time.

    Two that make the same index or constraint would be turned away by the server. Raises OldSchemaError,
    ForeignServerError, StoreUnavailableError.
    """
    async with transaction(services.pool) as turn:
        await take_turn(turn, "open read models")
        await claim_servers(services)
        for projection in services.projections.values():
            await projection.store.open()
        await services.answers.open()
        await services.limits.open()
    await _set_back_positions(services)


async def _set_back_positions(services: Services) -> None:
    """Where a read model was lost and made anew, its consumer is as far as the read model is, and no further.

    A consumer's position is written after the read model's own. So one that was read first and is higher is of a
    read model that is not there any more.
    """
    known = await services.positions.all()
    for name, projection in services.projections.items():
        before = known.get(name, {})
        there = await projection.store.positions()
        if any(there.get(partition, 0) < position for partition, position in before.items()):
            await services.positions.set_back(name, there)
