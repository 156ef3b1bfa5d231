"""Watches what goes into the audit log, tells of what is unusual, and blocks for a while (specification 4.1,
`ThreatDetector`, `AnomalyDetector`).

Bounded whatever comes: so many accounts and addresses in memory, so many findings waiting. Names that nobody
has authenticated as have no profile; the address that they came from has one.
"""

import asyncio
import contextlib
import ipaddress
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

from aggregates import identity as decisions
from aggregates.cause import Cause
from aggregates.identity import Identity
from contracts.envelope import EventMetadata
from contracts.errors import AnnalsError
from contracts.threats import ThreatDetected
from eventstore.commands import Command, Commands
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from eventstore.threats import Block, Count, ThreatStore
from security.audit import AuditEntry, AuditLog
from security.errors import BlockedError, MissingCredentialError
from security.local_administrator import ACCOUNT, TENANT
from security.principal import Principal
from security.threats import Finding, Observed, Profile, Thresholds, source_of
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.security.auditing import audited
from telemetry.metrics import THREATS, THREATS_UNTOLD

log = logging.getLogger(__name__)

MAX_PROFILES = 10_000
MAX_FINDINGS = 1000
REFRESH_S = 2.0
"""Within which a block that another process made is in force here, and what it counted is known."""
KEEP_EVERY_S = 30.0
ACTOR = "threat detection"
UNCOUNTED = frozenset({BlockedError.reason, MissingCredentialError.reason})
"""Reasons of refusals that are no attempt: a block shall not prolong itself, and who brings nothing guesses nothing."""

Key = tuple[str, str]
"""Tenant, empty for addresses, and identity."""


@dataclass(frozen=True, slots=True)
class _Told:
    key: Key
    finding: Finding
    blocks: bool


class ThreatDetector:
    """`open_threat_detector` makes one."""

    def __init__(self, store: ThreatStore, commands: Commands, audit: AuditLog, thresholds: Thresholds) -> None:
        """`audit` is where findings are told, and not what is watched."""
        self._store, self._commands, self._audit, self._thresholds = store, commands, audit, thresholds
        self._profiles = OrderedDict[Key, Profile]()
        self._dirty = dict[Key, Profile]()
        self._ends = dict[Key, float]()
        self._findings = asyncio.Queue[_Told](MAX_FINDINGS)
        self._waiting = set[Key]()
        """Blocks that are in force here and not in the store yet."""
        self._clock = time.time

    def check(self, who: Principal | str) -> None:
        """Whether an account, or an address, is blocked now. Raises BlockedError.

        The local administrator is never blocked.
        """
        if isinstance(who, str):
            key = "", f"address/{source_of(who)}"
        elif (who.tenant, who.id) == (TENANT, ACCOUNT):
            return
        else:
            key = who.tenant, f"account/{who.id}"
        end = self._ends.get(key)
        if end is not None and (left := end - self._clock()) > 0:
            raise BlockedError(left)

    async def observe(self, entry: AuditEntry) -> None:
        """What an audit entry tells of an identity."""
        found = _observed(entry)
        if found is None or entry.reason in UNCOUNTED:
            return
        what, account = found
        if account is not None and entry.tenant is not None:
            await self._count((entry.tenant, f"account/{account}"), f"account {account}", what, entry.address)
        elif entry.address:
            source = source_of(entry.address)
            await self._count(("", f"address/{source}"), f"address {source}", what, entry.address)

    async def _count(self, key: Key, name: str, what: Observed, address: str) -> None:
        profile = self._profiles.get(key)
        if profile is None:
            loaded = await self._load(key, name)
            profile = self._profiles.setdefault(key, loaded)
            if len(self._profiles) > MAX_PROFILES:
                self._profiles.popitem(last=False)
        self._profiles.move_to_end(key)
        if key[0] and len(self._dirty) < MAX_PROFILES:
            self._dirty[key] = profile
        for finding in profile.observe(what, address, self._clock(), self._thresholds):
            self._tell(key, finding)

    async def _load(self, key: Key, name: str) -> Profile:
        """An address has no past that is kept: only accounts are measured against theirs."""
        if key[0]:
            with contextlib.suppress(StoreUnavailableError):
                stored = await self._store.profile(*key)
                if stored is not None:
                    return Profile.from_json(name, stored)
        return Profile(name)

    def _tell(self, key: Key, finding: Finding) -> None:
        THREATS.labels(finding.kind).inc()
        blocks = finding.kind in self._thresholds.blocking and key != (TENANT, f"account/{ACCOUNT}")
        if blocks:
            # In force at once; the store follows.
            self._ends[key] = self._clock() + self._thresholds.block_s
            self._waiting.add(key)
        try:
            self._findings.put_nowait(_Told(key, finding, blocks))
        except asyncio.QueueFull:
            THREATS_UNTOLD.inc()
            self._waiting.discard(key)

    async def run(self) -> None:
        """Tell, keep and refresh, until cancelled; while the database is away it is tried again."""
        kept_at = self._clock()
        loop = asyncio.get_running_loop()
        told: _Told | None = None
        while True:
            try:
                await self._refresh()
                await self._share()
                if self._clock() - kept_at >= KEEP_EVERY_S:
                    await self.keep()
                    kept_at = self._clock()
                end = loop.time() + REFRESH_S
                while told is not None or (told := await self._next(end)) is not None:
                    await self._store_finding(told)
                    self._waiting.discard(told.key)
                    told = None
            except AnnalsError as error:
                log.warning("threats are told later: %s", error)
                await asyncio.sleep(REFRESH_S)

    async def _next(self, end: float) -> _Told | None:
        """The next finding; None where there is none until `end`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                return await self._findings.get()
        return None

    async def keep(self) -> None:
        """Store the profiles that changed. Raises StoreUnavailableError."""
        dirty, self._dirty = self._dirty, {}
        if dirty:
            await self._store.keep([(*key, profile.as_json()) for key, profile in dirty.items()])

    async def _share(self) -> None:
        """Tell what was counted here, and learn what all processes counted of the same identities."""
        untold = {
            Count(*key, profile.window, what, count): profile
            for key, profile in self._profiles.items()
            for what, count in profile.untold.items()
            if count
        }
        if not untold:
            return
        for one, profile in untold.items():
            profile.untold[one.what] -= one.count
        try:
            totals = await self._store.count(list(untold), int(self._clock() // self._thresholds.window_s))
        except StoreUnavailableError:
            for one, profile in untold.items():
                if profile.window == one.window:
                    profile.untold[one.what] += one.count
            raise
        for total in totals:
            known = self._profiles.get((total.tenant, total.identity))
            if known is not None:
                known.learn(total.window, total.what, total.count)

    async def _refresh(self) -> None:
        """Blocks that others made or ended, and those whose time is over."""
        for tenant, identity in await self._store.end_blocks():
            await self._unblocked((tenant, identity), ACTOR, "its time was over")
        blocks = await self._store.blocks()
        now = self._clock()
        stored = {(block.tenant, block.identity): now + block.left_s for block in blocks}
        self._ends = stored | {key: end for key, end in self._ends.items() if key in self._waiting and end > now}

    async def _store_finding(self, told: _Told) -> None:
        (tenant, identity), finding = told.key, told.finding
        log.warning("threat: %s%s", finding.explanation, "; blocked for a while" if told.blocks else "")
        block_s = self._thresholds.block_s if told.blocks else None
        if block_s is not None:
            await self._store.block(tenant, identity, block_s, finding.explanation)
        threat = ThreatDetected(
            kind=finding.kind, observed=finding.observed, limit=finding.limit, explanation=finding.explanation
        )
        key, cause = _aggregate(told.key), _cause(tenant)
        await self._commands.execute(
            Command(
                key, Identity.project, lambda state: decisions.report(state, key.aggregate_id, threat, block_s, cause)
            )
        )
        action = "detect" if block_s is None else "block"
        await self._audit.record(
            AuditEntry(tenant or None, ACTOR, "threat", action, "users", identity, reason=finding.explanation)
        )

    async def _unblocked(self, key: Key, actor: str, why: str) -> None:
        self._ends.pop(key, None)
        cause = _cause(key[0])
        await self._commands.execute(
            Command(_aggregate(key), Identity.project, lambda state: decisions.unblock(state, why, cause))
        )
        await self._audit.record(AuditEntry(key[0] or None, actor, "threat", "unblock", "users", key[1], reason=why))

    async def blocked(self, caller: Caller, *, deadline: Deadline) -> tuple[Block, ...]:
        """Who is blocked now of the caller's tenant and, for the operator, which addresses are."""
        async with audited(self._audit, caller, "administration", "read", "users"):
            caller.require("users", "read")
            own = {caller.tenant, ""} if caller.access.decide("system", "administer").allowed else {caller.tenant}
            async with deadline.enforce("reading the blocks"):
                return tuple(block for block in await self._store.blocks() if block.tenant in own)

    async def unblock(self, caller: Caller, identity: str, *, deadline: Deadline) -> None:
        """End a block before its time: `account/NAME`, or for the operator `address/ADDRESS`. Raises NotFoundError."""
        address = identity.startswith("address/")
        async with audited(self._audit, caller, "administration", "unblock", "users", identity):
            caller.require("users", "administer")
            if address:
                caller.require("system", "administer")
            key = "" if address else caller.tenant, identity
            async with deadline.enforce("ending a block"):
                if not await self._store.unblock(*key):
                    raise NotFoundError(f"{identity} is not blocked; see: annals threats list")
                await self._unblocked(key, caller.actor, "somebody ended it")


class WatchedAuditLog:
    """An audit log whose entries a detector sees first."""

    def __init__(self, log: AuditLog, detector: ThreatDetector) -> None:
        self._log, self._detector = log, detector

    async def record(self, entry: AuditEntry) -> None:
        """See AuditLog."""
        await self._detector.observe(entry)
        await self._log.record(entry)


@contextlib.asynccontextmanager
async def open_threat_detector(
    store: ThreatStore, commands: Commands, audit: AuditLog, thresholds: Thresholds
) -> AsyncIterator[ThreatDetector]:
    """For the length of the block; what is known of accounts is kept at its end."""
    detector = ThreatDetector(store, commands, audit, thresholds)
    running = asyncio.create_task(detector.run(), name="threats")
    try:
        yield detector
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        try:
            async with asyncio.timeout(REFRESH_S):
                await detector.keep()
        except (TimeoutError, StoreUnavailableError) as error:
            log.warning("what was learnt of accounts lately is not kept: %s", error)


def is_loopback(address: str) -> bool:
    """Whether it is of this machine."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _observed(entry: AuditEntry) -> tuple[Observed, str | None] | None:
    """What an entry counts as, and of which account; None where it says nothing of anybody's behaviour."""
    if not entry.address:
        return None
    match entry.category, entry.outcome:
        case "authentication", "success":
            return "request", entry.actor
        case "authentication", _:
            # Somebody else may have used the name.
            return "failure", None
        case "authorization", "denied":
            return "denial", entry.actor
        case "read", "success":
            return "read", entry.actor
    return None


def _aggregate(key: Key) -> AggregateKey:
    """What is told of addresses is the operator's."""
    return AggregateKey(key[0] or TENANT, "identity", key[1])


def _cause(tenant: str) -> Cause:
    metadata = EventMetadata(tenant=tenant or TENANT, actor=ACTOR, source="threats")
    return Cause(metadata, f"threat-{uuid4()}")
