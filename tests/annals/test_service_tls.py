"""Where services may listen: beyond loopback with TLS alone, unless somebody says that the network is private."""

from pathlib import Path

import pytest

from annals.service_tls import ServiceTlsError, check_serving, tls_of
from annals.settings import load_settings
from tests.streams.certificates import Authority


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_without_tls_they_do_not_listen_beyond_loopback(host: str) -> None:
    with pytest.raises(ServiceTlsError, match="without TLS"):
        check_serving(load_settings(), host)
    assert check_serving(load_settings(service_plaintext=True), host) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_they_need_none(host: str) -> None:
    assert check_serving(load_settings(), host) is None


def test_half_of_tls_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    made = authority.certify("service", "DNS:service.test")
    whole = {
        "service_certificate": made.certificate, "service_key": made.key, "service_ca": authority.certificate
    }  # fmt: skip
    for name in whole:
        with pytest.raises(ServiceTlsError, match="all of them"):
            tls_of(load_settings(**{other: path for other, path in whole.items() if other != name}))
        with pytest.raises(ServiceTlsError, match="no PEM file"):
            tls_of(load_settings(**whole | {name: tmp_path / "nothing"}))
    assert check_serving(load_settings(**whole), "0.0.0.0") is not None
