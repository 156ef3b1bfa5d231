"""TLS between services, where both sides show a certificate of one authority (mutual TLS)."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class MutualTls:
    """Three PEM files: what this process shows, its key, and the authority that the other side's must be of."""

    certificate: Path
    key: Path
    authority: Path

    def client(self) -> ssl.SSLContext:
        """For whoever calls: the certificate must be of the host that is called. Raises OSError."""
        context = ssl.create_default_context(cafile=self.authority)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def server(self) -> dict[str, Any]:
        """Arguments of `uvicorn.Config`: nobody without a certificate gets to send a request."""
        return {
            "ssl_certfile": self.certificate,
            "ssl_keyfile": self.key,
            "ssl_ca_certs": str(self.authority),
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
