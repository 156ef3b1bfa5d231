"""Who may come in and what is kept of it, as edges are given it."""

from dataclasses import dataclass

from security.audit import AuditLog
from security.encryption import Encryption
from services.security.accounts import AccountService
from services.security.api_keys import ApiKeyService
from services.security.audit import AuditService
from services.security.checkpoints import CheckpointService
from services.security.compliance import ComplianceMonitor
from services.security.dashboard_readers import DashboardReaderService
from services.security.data_keys import DataKeyService
from services.security.explaining import AccessExplainer
from services.security.guarded_authentication import Authentication
from services.security.local_administrator import LocalAdministrator
from services.security.policies import PolicyService
from services.security.retention import RetentionService
from services.security.sign_in import SignInService
from services.security.signing import TokenSigner
from services.security.subjects import SubjectService
from services.security.threats import ThreatDetector
from services.security.tokens import TokenService


@dataclass(frozen=True)
class Security:
    """Authentication, accounts, keys, policies, encryption and the audit log; everything writes to `audit`."""

    authentication: Authentication
    accounts: AccountService
    api_keys: ApiKeyService
    sign_in: SignInService
    tokens: TokenService
    signer: TokenSigner
    policies: PolicyService
    access_explainer: AccessExplainer
    local_administrator: LocalAdministrator
    audit: AuditLog
    audit_service: AuditService
    encryption: Encryption
    checkpoints: CheckpointService
    data_keys: DataKeyService
    readers: DashboardReaderService
    threats: ThreatDetector
    retention: RetentionService
    subjects: SubjectService
    compliance: ComplianceMonitor
