"""Who may come in, what is kept of what was done, and the keys that data is encrypted with."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

from annals.composition.audit_log import open_watched_audit
from annals.composition.checkpoints import checkpoints_of
from annals.composition.compliance import facts_of, retention_of
from annals.composition.stores import Stores
from eventstore.accounts import AccountReader
from eventstore.api_keys import ApiKeys
from eventstore.compliance import ComplianceReads
from eventstore.data_keys import DataKeys
from eventstore.encryption import EncryptionService
from eventstore.failed_attempts import FailedAttempts
from eventstore.key_management import KeyManagementService
from eventstore.passwords import Passwords
from eventstore.signing_keys import SigningKeys
from eventstore.tokens import Tokens
from projections.dashboards.readers import DashboardReaders
from security.authorization import RbacAuthorizationEngine
from security.local_administrator import TENANT
from security.oidc import ExternalIssuer
from security.passwords import PasswordHashing
from services.security.access_tokens import AccessTokenIdentification, AccessTokenIssuer, issuer_of
from services.security.accounts import AccountService
from services.security.administrators import Administrators
from services.security.api_keys import ApiKeyService
from services.security.audit import AuditService
from services.security.authentication import AuthenticationService
from services.security.compliance import ComplianceMonitor
from services.security.dashboard_readers import DashboardReaderService
from services.security.data_keys import DataKeyService
from services.security.explaining import AccessExplainer
from services.security.guarded_authentication import GuardedAuthentication
from services.security.identification import ApiKeyIdentification
from services.security.local_administrator import LocalAdministrator
from services.security.policies import PolicyService
from services.security.retention import RetentionService
from services.security.shared_attempts import shared_attempts
from services.security.sign_in import SignInService
from services.security.signing import TokenSigner
from services.security.subjects import SubjectService
from services.security.tokens import TokenService
from services.security.use_cases import Security

if TYPE_CHECKING:
    from services.security.external_issuer import ExternalIssuerIdentification


@contextlib.asynccontextmanager
async def open_security(stores: Stores) -> AsyncIterator[Security]:
    """At the end what is still to be written to the audit log is written."""
    pool = stores.pool
    async with contextlib.AsyncExitStack() as stack:
        watched = await stack.enter_async_context(open_watched_audit(stores))
        entries, threats, audit = watched.entries, watched.threats, watched.log
        key_management = KeyManagementService(pool, stores.master, timedelta(days=stores.settings.key_rotation_days))
        account_reader, stored_keys = AccountReader(pool, stores.reader), ApiKeys(pool)
        tokens, signing_keys = Tokens(pool), SigningKeys(pool)
        attempts = await stack.enter_async_context(shared_attempts(FailedAttempts(pool)))
        encryption, issuer = EncryptionService(key_management, audit), issuer_of(await stores.reader.identity())
        signer = TokenSigner(signing_keys, encryption, audit)
        issuing = AccessTokenIssuer(issuer, signer)
        hashing = PasswordHashing()
        stack.callback(hashing.close)
        external = await _external_issuer(stores, account_reader, stack)
        authentication = AuthenticationService(
            stores.access_version,
            stored_keys,
            ApiKeyIdentification(stored_keys, account_reader),
            AccessTokenIdentification(issuer, signing_keys, tokens, account_reader, external),
            attempts,
        )
        administrators = Administrators(pool, account_reader)
        engine = RbacAuthorizationEngine(home=TENANT)
        policies = PolicyService(engine, stores.commands, stores.reader, stores.access_version, administrators)
        accounts = AccountService(stores.commands, account_reader, policies, administrators, audit)
        api_keys = ApiKeyService(stored_keys, account_reader, audit)
        audit_service, retention = AuditService(entries, audit), retention_of(stores)
        yield Security(
            authentication=GuardedAuthentication(authentication, threats),
            accounts=accounts,
            api_keys=api_keys,
            sign_in=SignInService(account_reader, Passwords(pool), hashing, tokens, issuing, attempts, threats, audit),
            tokens=TokenService(account_reader, tokens, issuing, audit),
            signer=signer,
            policies=policies,
            access_explainer=AccessExplainer(account_reader, policies),
            local_administrator=LocalAdministrator(accounts, api_keys, authentication),
            audit=audit,
            audit_service=audit_service,
            encryption=encryption,
            checkpoints=checkpoints_of(stores, encryption, audit),
            data_keys=DataKeyService(DataKeys(pool), key_management, audit),
            readers=DashboardReaderService(DashboardReaders(pool, stores.read.in_postgres), audit),
            threats=threats,
            retention=RetentionService(retention, audit),
            subjects=SubjectService(stores.read.graph, stores.read.passages, entries, audit),
            compliance=ComplianceMonitor(
                facts_of(stores),
                key_management,
                audit_service,
                audit,
                retention,
                account_reader,
                stored_keys,
                ComplianceReads(pool),
            ),
        )


async def _external_issuer(
    stores: Stores, accounts: AccountReader, stack: contextlib.AsyncExitStack
) -> "ExternalIssuerIdentification | None":
    settings = stores.settings
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    # An HTTP client that most processes need not load.
    from services.security.external_issuer import ExternalIssuerIdentification, IssuerKeys, issuer_client

    issuer = ExternalIssuer(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        type=settings.oidc_token_type,
        account_claim=settings.oidc_account_claim,
        roles_claim=settings.oidc_roles_claim,
        roles=settings.oidc_roles,
        tenant=settings.oidc_tenant,
        tenant_claim=settings.oidc_tenant_claim,
        tenants=settings.oidc_tenants,
    )
    client = await stack.enter_async_context(issuer_client())
    return ExternalIssuerIdentification(issuer, IssuerKeys(issuer, client), accounts)
