"""Looks at the installation as it is, and says what of a standard holds (specification 4.1, `ComplianceMonitor`).

A report helps whoever has to answer for an installation; it is no certificate.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

from contracts.errors import AnnalsError
from eventstore.accounts import AccountReader
from eventstore.api_keys import ApiKeys
from eventstore.compliance import ComplianceReads
from eventstore.key_management import KeyManagementService
from eventstore.retention import Retention, older
from security.audit import AuditLevel, AuditLog
from security.compliance import STANDARDS, CheckName, CheckResult, Found, Standard
from security.local_administrator import ACCOUNT
from services.caller import Caller
from services.deadline import Deadline
from services.security.audit import AuditService
from services.security.auditing import audited

INACTIVE = timedelta(days=90)
OLD = timedelta(days=365)
GRACE_DAYS = 1
PAGE = 500
SHOWN = 5


@dataclass(frozen=True, slots=True)
class InstallationFacts:
    """What the settings say. `links`: (what, whether it is encrypted or stays on this machine) of each connection."""

    audit_level: AuditLevel
    key_rotation: timedelta
    links: Sequence[tuple[str, bool]]
    secret_files: Sequence[Path]
    threats_block: bool


@dataclass(frozen=True, slots=True)
class ComplianceReport:
    """`passed`: whether every check did."""

    standard: Standard
    at: datetime
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is left to do."""
        return all(result.passed for result in self.results)


class ComplianceMonitor:
    """Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(
        self,
        facts: InstallationFacts,
        keys: KeyManagementService,
        audit: AuditService,
        log: AuditLog,
        retention: Retention,
        accounts: AccountReader,
        api_keys: ApiKeys,
        reads: ComplianceReads,
    ) -> None:
        self._facts, self._keys, self._audit, self._log = facts, keys, audit, log
        self._retention, self._accounts, self._api_keys, self._reads = retention, accounts, api_keys, reads
        self._checks: dict[CheckName, Callable[[Caller, Deadline], Awaitable[Found]]] = {
            "encryption": self._encryption,
            "key-rotation": self._key_rotation,
            "audit-chain": self._audit_chain,
            "audit-level": self._audit_level,
            "retention": self._retained,
            "transport": self._transport,
            "file-modes": self._file_modes,
            "inactive-accounts": self._inactive_accounts,
            "old-credentials": self._old_credentials,
            "threats": self._threats,
            "erasure": self._erasure,
        }
        assert set(self._checks) == set(get_args(CheckName))

    async def report(self, caller: Caller, standard: Standard, *, deadline: Deadline) -> ComplianceReport:
        """Run the checks of a standard, for the operator. A check that cannot be made has failed."""
        async with audited(self._log, caller, "administration", "report", "system", standard):
            caller.require("system", "administer")
            results = []
            for name, control in STANDARDS[standard].items():
                try:
                    async with deadline.enforce(f"checking {name}"):
                        found = await self._checks[name](caller, deadline)
                except AnnalsError as error:
                    found = Found(False, f"could not be checked: {error}")
                results.append(CheckResult(name, control, found.passed, found.detail))
        return ComplianceReport(standard, datetime.now(UTC), tuple(results))

    async def _encryption(self, caller: Caller, deadline: Deadline) -> Found:
        count = await self._keys.check()
        if not count:
            return Found(False, "nothing is encrypted yet, so that no key could be tried; start the gateway once")
        return Found(True, f"AES-256-GCM; a data key of {count} was opened with the master key ({self._keys.source})")

    async def _key_rotation(self, caller: Caller, deadline: Deadline) -> Found:
        oldest = await self._reads.oldest_present_key()
        days = self._facts.key_rotation.days
        if oldest is not None and oldest > self._facts.key_rotation:
            return Found(False, f"a data key is {oldest.days} days old, {days} are allowed; run: annals crypto rotate")
        return Found(True, f"no data key in use is older than {days} days")

    async def _audit_chain(self, caller: Caller, deadline: Deadline) -> Found:
        chains = await self._audit.verify(caller, all_tenants=True, deadline=deadline)
        faults = [fault for chain in chains for fault in chain.faults]
        if faults:
            first = faults[0]
            whose = first.tenant or "of no tenant"
            return Found(False, f"{whose}: entry {first.sequence} {first.what}; see: annals audit verify --all-tenants")
        return Found(True, f"{sum(chain.checked for chain in chains)} entries in {len(chains)} chains are intact")

    async def _audit_level(self, caller: Caller, deadline: Deadline) -> Found:
        if self._facts.audit_level == "essential":
            return Found(False, "reads are not recorded; set audit_level to standard or full")
        return Found(True, f"audit_level is {self._facts.audit_level}: reads are recorded")

    async def _retained(self, caller: Caller, deadline: Deadline) -> Found:
        # What became due since the rules were acted on last is in order.
        due = [(rule, await rule.count(GRACE_DAYS)) for rule in self._retention.rules]
        late = [f"{count} {older(rule.name, rule.days)}" for rule, count in due if count]
        if late:
            return Found(False, f"{', '.join(late)}; run: annals compliance retention")
        return Found(True, ", ".join(f"{rule.name}: {rule.days} days" for rule, _ in due if rule.days))

    async def _transport(self, caller: Caller, deadline: Deadline) -> Found:
        bare = [what for what, safe in self._facts.links if not safe]
        if bare:
            return Found(False, f"without TLS beyond this machine: {', '.join(bare)}; see docs/security.md")
        return Found(True, f"TLS or this machine alone: {', '.join(what for what, _ in self._facts.links)}")

    async def _file_modes(self, caller: Caller, deadline: Deadline) -> Found:
        there = [path for path in self._facts.secret_files if path.exists()]
        loose = [path for path in there if path.stat().st_mode & 0o077]
        if loose:
            return Found(False, f"others may read {', '.join(map(str, loose))}; run: chmod 600")
        return Found(True, f"for their owner alone: {', '.join(path.name for path in there) or 'no files'}")

    async def _inactive_accounts(self, caller: Caller, deadline: Deadline) -> Found:
        """Accounts that may come in and were not seen for INACTIVE, by the audit log."""
        unused, after = [], ""
        while page := await self._accounts.of_tenant(caller.tenant, after, PAGE):
            active = [account.id for account in page if account.active and account.id != ACCOUNT]
            unused += await self._reads.not_seen(caller.tenant, active, INACTIVE)
            after = page[-1].id
        if unused:
            return Found(False, f"not seen for {INACTIVE.days} days: {_some(unused)}; disable them")
        return Found(True, f"every active account was seen within {INACTIVE.days} days")

    async def _old_credentials(self, caller: Caller, deadline: Deadline) -> Found:
        now, old, after = datetime.now(UTC), [], ""
        while page := await self._api_keys.of_tenant(caller.tenant, None, after, PAGE):
            old += [key.id for key in page if key.fault(now) is None and now - key.created_at > OLD]
            after = page[-1].id
        if old:
            return Found(False, f"API keys older than {OLD.days} days: {_some(old)}; issue new ones, revoke these")
        return Found(True, f"no API key is older than {OLD.days} days")

    async def _threats(self, caller: Caller, deadline: Deadline) -> Found:
        if not self._facts.threats_block:
            return Found(False, "nothing blocks; set threat_blocking to failures and denials")
        return Found(True, "failures and denials block for a while")

    async def _erasure(self, caller: Caller, deadline: Deadline) -> Found:
        left = await self._reads.texts_of_deleted(caller.tenant)
        if left:
            return Found(False, f"texts of {left} deleted documents are still stored; they are not erased by deleting")
        return Found(True, "no text of a deleted document is stored")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
