"""The audit log of this process, which the detection of threats reads first."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from annals.composition.stores import Stores
from annals.settings import Settings
from eventstore.audit import open_audit
from eventstore.audit_entries import AuditEntries
from eventstore.threats import ThreatStore
from security.threats import Thresholds
from services.security.threats import ThreatDetector, WatchedAuditLog, open_threat_detector


@dataclass(frozen=True)
class WatchedAudit:
    """`log` is what use cases write to."""

    entries: AuditEntries
    threats: ThreatDetector
    log: WatchedAuditLog


@contextlib.asynccontextmanager
async def open_watched_audit(stores: Stores) -> AsyncIterator[WatchedAudit]:
    """At the end what is still to be written is written."""
    entries = AuditEntries(stores.pool)
    async with (
        open_audit(entries, stores.settings.audit_level) as writer,
        open_threat_detector(
            ThreatStore(stores.pool), stores.commands, writer, thresholds_of(stores.settings)
        ) as threats,
    ):
        yield WatchedAudit(entries, threats, WatchedAuditLog(writer, threats))


def thresholds_of(settings: Settings) -> Thresholds:
    """As the settings have them."""
    return Thresholds(
        window_s=settings.threat_window_seconds,
        failures=settings.threat_failures,
        denials=settings.threat_denials,
        rate=settings.threat_rate,
        volume=settings.threat_volume,
        deviations=settings.threat_deviations,
        block_s=settings.threat_block_seconds,
        blocking=settings.threat_blocking,
    )
