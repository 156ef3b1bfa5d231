"""Certificates made on the spot by `openssl`: an authority, and whoever it vouches for."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

LIMIT_S = 30
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
_LISTS = """[ca]
default_ca = ours
[ours]
database = {folder}/revoked.txt
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_crl_days = 1
"""


@dataclass(frozen=True)
class Certificate:
    """Two PEM files. The key is in the clear unless a password was given for it."""

    certificate: Path
    key: Path


class Authority:
    """Keeps everything in `folder`. Skips the test where there is no `openssl`."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("install openssl")
        self.certificate = folder / "ca.pem"
        self._folder = folder
        _openssl("req", "-x509", *_KEY, "-noenc", "-subj", "/CN=annals test authority", "-keyout", folder / "ca.key",
                 "-out", self.certificate)  # fmt: skip

    def certify(self, name: str, alternatives: str, password: str | None = None) -> Certificate:
        """For a server that is known by `alternatives` (`DNS:example.org,IP:127.0.0.1`), or for a client."""
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        secret = ("-noenc",) if password is None else ("-passout", f"pass:{password}")
        _openssl("req", "-x509", *_KEY, *secret, "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}",
                 "-addext", "basicConstraints=critical,CA:FALSE", "-CA", self.certificate,
                 "-CAkey", self._folder / "ca.key", "-keyout", made.key, "-out", made.certificate)  # fmt: skip
        return made

    def revoked(self) -> Path:
        """The list of certificates that do not hold any more; it is empty."""
        (self._folder / "revoked.txt").touch()
        lists, made = self._folder / "lists.conf", self._folder / "revoked.pem"
        lists.write_text(_LISTS.format(folder=self._folder))
        _openssl("ca", "-gencrl", "-config", lists, "-out", made)
        return made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(
        ["openssl", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        check=True,
    )
