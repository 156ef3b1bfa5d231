"""What the settings and the data folder say to whoever checks them."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from annals.composition.master_keys import FILE_NAME as MASTER_KEY
from annals.composition.stores import Stores
from annals.settings import FILE_NAME as SETTINGS_FILE
from annals.settings import LOOPBACK, Settings
from annals.token_file import FILE_NAME as ADMIN_TOKEN
from eventstore.originals import OriginalStore
from eventstore.retention import Retention, RetentionDays
from services.security.compliance import InstallationFacts
from services.security.sealing import SealKept

VERIFIED = ("require", "verify-ca", "verify-full")


def retention_of(stores: Stores) -> Retention:
    """By the settings."""
    days = RetentionDays(
        audit=stores.settings.audit_days,
        dead_letters=stores.settings.dead_letter_days,
        receipts=stores.settings.receipt_days,
    )
    return Retention(stores.pool, days)


def sealing_of(stores: Stores) -> SealKept:
    """Of what is stored beside the log."""
    originals = OriginalStore(stores.pool, stores.keys)
    return SealKept([(stores.texts.contents, 100), (originals.contents, 4), (stores.outputs, 1000)])


def facts_of(stores: Stores) -> InstallationFacts:
    """Of this process's settings."""
    chosen = stores.settings
    return InstallationFacts(
        audit_level=chosen.audit_level,
        key_rotation=timedelta(days=chosen.key_rotation_days),
        links=tuple(_links(chosen, stores.dsn)),
        secret_files=(
            chosen.data / ADMIN_TOKEN,
            chosen.data / SETTINGS_FILE,
            chosen.master_key_file or chosen.data / MASTER_KEY,
        ),
        threats_block={"failures", "denials"} <= set(chosen.threat_blocking),
    )


def _links(chosen: Settings, dsn: str) -> Iterator[tuple[str, bool]]:
    yield "gateway", chosen.gateway_host in LOOPBACK or chosen.gateway_certificate is not None
    if chosen.services == "processes" and chosen.profile == "servers":
        yield "services", chosen.service_certificate is not None
    if chosen.metrics_port is not None:
        yield "metrics", chosen.metrics_host in LOOPBACK
    parts = urlsplit(dsn)
    options = parse_qs(parts.query)
    host = parts.hostname or options.get("host", [""])[0]
    yield "PostgreSQL", _near(host) or options.get("sslmode", [""])[0] in VERIFIED
    if chosen.broker is not None:
        near = all(_near(server.strip().rpartition(":")[0].strip("[]")) for server in chosen.broker.split(","))
        yield "Kafka", near or chosen.kafka.get("security.protocol", "").upper().endswith("SSL")
    if chosen.profile == "servers":
        for name, address in (
            ("Neo4j", chosen.neo4j),
            ("OpenSearch", chosen.opensearch),
            ("Redis", chosen.redis.get_secret_value()),
        ):
            url = urlsplit(address)
            safe = url.scheme in ("https", "rediss", "unix") or url.scheme.endswith(("+s", "+ssc"))
            yield name, safe or _near(url.hostname or "")


def _near(host: str) -> bool:
    """A socket's folder, or this machine."""
    return not host or host.startswith("/") or host in LOOPBACK
