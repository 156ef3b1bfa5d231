"""TLS and SASL for Faust, out of the settings that librdkafka's clients are given.

Both kinds of client are given the same settings, so what Faust cannot honour is refused: a certificate that is not
checked, or a login that is another one, would be noticed by nobody.
"""

import contextlib
import re
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
HONOURED = frozenset(
    {
        "security.protocol",
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.username",
        "sasl.password",
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.certificate.pem",
        "ssl.key.location",
        "ssl.key.pem",
        "ssl.key.password",
        "ssl.crl.location",
        "ssl.cipher.suites",
        "ssl.endpoint.identification.algorithm",
        "enable.ssl.certificate.verification",
    }
)
_OF_SECURITY = re.compile("security|sasl|ssl|oauth|https", re.IGNORECASE)
_YES, _NO = ("true", "t", "1"), ("false", "f", "0")


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to come in: over TLS where there is a context, with a login where there is a mechanism."""

    context: ssl.SSLContext | None = None
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def read_credentials(kafka: Mapping[str, str]) -> Credentials:
    """What librdkafka's settings say. Reads the files that they name.

    Raises ValueError, with one line that names the setting, for what Faust cannot honour, what is wrong or missing.
    """
    for name in kafka:
        if _OF_SECURITY.search(name) and name not in HONOURED:
            raise ValueError(f"{name} is not supported; `docs/operations.md` says which TLS and SASL settings are")
    protocol = kafka.get("security.protocol", "PLAINTEXT").upper()
    if "security.protocol" not in kafka and any(_OF_SECURITY.search(name) for name in kafka):
        raise ValueError(f"security.protocol is missing, so nothing of it would be used: {_either(PROTOCOLS)}")
    if protocol not in PROTOCOLS:
        raise ValueError(f"security.protocol must be {_either(PROTOCOLS)}")
    mechanism = _mechanism(kafka)
    context = _context(kafka) if protocol in ("SSL", "SASL_SSL") else None
    if not protocol.startswith("SASL"):
        return Credentials(context)
    if mechanism is None:
        raise ValueError(f"sasl.mechanism is missing: {_either(MECHANISMS)}")
    for name in ("sasl.username", "sasl.password"):
        if not kafka.get(name):
            raise ValueError(f"{name} is missing, and {protocol} needs it")
    return Credentials(context, mechanism, kafka["sasl.username"], kafka["sasl.password"])


def _mechanism(kafka: Mapping[str, str]) -> str | None:
    given = {name: kafka[name] for name in ("sasl.mechanism", "sasl.mechanisms") if name in kafka}
    for name, value in given.items():
        if value not in MECHANISMS:
            raise ValueError(f"{name} must be {_either(MECHANISMS)}")
    if len(set(given.values())) > 1:
        raise ValueError("sasl.mechanism and sasl.mechanisms are one setting; give one of them")
    return next(iter(given.values()), None)


def _context(kafka: Mapping[str, str]) -> ssl.SSLContext:
    context = _authorities(kafka)
    _show_certificate(context, kafka)
    if "ssl.cipher.suites" in kafka:
        with _naming("ssl.cipher.suites"):
            context.set_ciphers(kafka["ssl.cipher.suites"])
    if "ssl.crl.location" in kafka:
        with _naming("ssl.crl.location"):
            context.load_verify_locations(cafile=kafka["ssl.crl.location"])
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if _one_of(kafka, "ssl.endpoint.identification.algorithm", ("https", "none")) == "none":
        context.check_hostname = False
    if _one_of(kafka, "enable.ssl.certificate.verification", (*_YES, *_NO)) in _NO:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _authorities(kafka: Mapping[str, str]) -> ssl.SSLContext:
    """A context that trusts these authorities and no others; the system's where none are given."""
    name = _way(kafka, "ssl.ca")
    if name is None or kafka[name] == "probe":
        return ssl.create_default_context()
    with _naming(name):
        if name == "ssl.ca.pem":
            return ssl.create_default_context(cadata=kafka[name])
        if Path(kafka[name]).is_dir():
            return ssl.create_default_context(capath=kafka[name])
        return ssl.create_default_context(cafile=kafka[name])


def _show_certificate(context: ssl.SSLContext, kafka: Mapping[str, str]) -> None:
    certificate, key = _way(kafka, "ssl.certificate"), _way(kafka, "ssl.key")
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise ValueError(f"{certificate or key} is of no use alone: give ssl.certificate.* and ssl.key.*")
    # Python reads them from files only: this folder is closed to others, and gone at once.
    with tempfile.TemporaryDirectory() as folder, _naming(certificate, key):
        context.load_cert_chain(
            _file(kafka, certificate, folder),
            _file(kafka, key, folder),
            # Without any, Python would ask at the terminal.
            password=kafka.get("ssl.key.password", ""),
        )


def _file(kafka: Mapping[str, str], name: str, folder: str) -> Path:
    if name.endswith(".location"):
        return Path(kafka[name])
    file = Path(folder) / name
    file.write_text(kafka[name])
    return file


def _way(kafka: Mapping[str, str], what: str) -> str | None:
    """The name of the setting that gives `what`: as the location of a file, or as PEM text."""
    given = [name for name in (f"{what}.location", f"{what}.pem") if name in kafka]
    if len(given) > 1:
        raise ValueError(f"{given[0]} and {given[1]} are two ways to give one thing; choose one")
    return given[0] if given else None


def _one_of(kafka: Mapping[str, str], name: str, known: tuple[str, ...]) -> str | None:
    value = kafka[name].lower() if name in kafka else None
    if value is not None and value not in known:
        raise ValueError(f"{name} must be {_either(known)}")
    return value


def _either(known: tuple[str, ...]) -> str:
    return f"{', '.join(known[:-1])} or {known[-1]}"


@contextlib.contextmanager
def _naming(*names: str) -> Iterator[None]:
    """Say which settings cannot be read. What they hold is not said: it may be a secret."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not what it should be"
        raise ValueError(f"{', '.join(names)}: {why}") from None
