"""How services are called: on loopback by plain HTTP, beyond it by mutual TLS, unless somebody says otherwise."""

from annals.addresses import is_loopback
from annals.settings import Settings
from contracts.errors import AnnalsError
from services.mesh.tls import MutualTls


class ServiceTlsError(AnnalsError):
    """The service cannot be served like that; set service_certificate, service_key and service_ca."""


def tls_of(settings: Settings) -> MutualTls | None:
    """As the settings have it; None for plain HTTP. Raises ServiceTlsError."""
    certificate, key, authority = settings.service_certificate, settings.service_key, settings.service_ca
    if certificate is None and key is None and authority is None:
        return None
    if certificate is None or key is None or authority is None:
        raise ServiceTlsError("TLS needs service_certificate, service_key and service_ca; set all of them or none")
    found = MutualTls(certificate, key, authority)
    try:
        found.client()
    except OSError as error:  # ssl.SSLError among them
        raise ServiceTlsError(
            f"service_certificate, service_key or service_ca is no PEM file that can be used "
            f"({error.strerror or error}); mend it"
        ) from None
    return found


def check_serving(settings: Settings, host: str) -> MutualTls | None:
    """For a service that listens at `host`. Raises ServiceTlsError where others could read along."""
    found = tls_of(settings)
    if found is None and not settings.service_plaintext and not is_loopback(host):
        raise ServiceTlsError(
            f"a service does not listen at {host} without TLS; set service_certificate, service_key and service_ca, or "
            "service_plaintext where the network is private"
        )
    return found
