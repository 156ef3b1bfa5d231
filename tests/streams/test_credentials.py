"""librdkafka's TLS and SASL settings for Faust: each is honoured, or refused by its name before anything starts."""

import ssl
from pathlib import Path

import pytest

from streams.credentials import Credentials, read_credentials
from tests.annals.pipeline import refused
from tests.streams.certificates import Authority

LOGIN = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": "ada",
    "sasl.password": "correct horse",
}
TLS = {"security.protocol": "SSL"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Ours; it vouches for whoever a test needs."""
    return Authority(tmp_path_factory.mktemp("authority"))


def context_of(settings: dict[str, str]) -> ssl.SSLContext:
    context = read_credentials(TLS | settings).context
    assert context is not None
    return context


def refusal_of(settings: dict[str, str]) -> str:
    with pytest.raises(ValueError) as caught:
        read_credentials(settings)
    (line,) = str(caught.value).splitlines()
    return line


def test_without_settings_there_is_no_tls_and_no_login() -> None:
    assert read_credentials({}) == Credentials()
    assert read_credentials({"socket.timeout.ms": "5000", "security.protocol": "plaintext"}) == Credentials()


@pytest.mark.parametrize("name", ["sasl.mechanism", "sasl.mechanisms"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_mechanism_counts_under_both_of_its_names(name: str, mechanism: str) -> None:
    others = {key: value for key, value in LOGIN.items() if key != "sasl.mechanism"}
    found = read_credentials({**others, name: mechanism})
    assert (found.mechanism, found.username, found.password) == (mechanism, "ada", "correct horse")
    assert found.context is None
    encrypted = read_credentials({**others, name: mechanism, "security.protocol": "sasl_ssl"})
    assert encrypted.mechanism == mechanism and encrypted.context is not None


def test_two_names_of_one_mechanism_must_agree() -> None:
    assert read_credentials({**LOGIN, "sasl.mechanisms": "SCRAM-SHA-512"}).mechanism == "SCRAM-SHA-512"
    assert "sasl.mechanisms" in refusal_of({**LOGIN, "sasl.mechanisms": "PLAIN"})


@pytest.mark.parametrize("mechanism", ["GSSAPI", "OAUTHBEARER", "AWS_MSK_IAM", "scram-sha-512", ""])
@pytest.mark.parametrize("name", ["sasl.mechanism", "sasl.mechanisms"])
def test_another_mechanism_is_refused(name: str, mechanism: str) -> None:
    others = {key: value for key, value in LOGIN.items() if key != "sasl.mechanism"}
    line = refusal_of({**others, name: mechanism})
    assert line.startswith(f"{name} must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")


@pytest.mark.parametrize("name", ["sasl.mechanism", "sasl.username", "sasl.password"])
def test_half_a_login_is_refused(name: str) -> None:
    """librdkafka's own mechanism, where none is named, is GSSAPI."""
    assert name in refusal_of({key: value for key, value in LOGIN.items() if key != name})


@pytest.mark.parametrize(
    "name",
    [
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.truststore.location",
        "ssl.curves.list",
        "ssl.sigalgs.list",
        "ssl.providers",
        "ssl.engine.location",
        "ssl.ca.certificate.stores",
        "ssl_key",
        "sasl.kerberos.service.name",
        "sasl.oauthbearer.config",
        "enable.sasl.oauthbearer.unsecure.jwt",
        "https.ca.location",
        "sasl.mechanisme",
        "SSL.CA.Location",
    ],
)
def test_what_faust_cannot_honour_is_refused_by_its_name(name: str) -> None:
    line = refusal_of({**LOGIN, name: "hunter2"})
    assert line.startswith(f"{name} ")
    assert "hunter2" not in line


def test_an_unknown_protocol_is_refused() -> None:
    assert refusal_of({"security.protocol": "TLS"}).startswith("security.protocol must be ")


def test_the_broker_must_prove_its_name_unless_told_otherwise(authority: Authority) -> None:
    ours = {"ssl.ca.location": str(authority.certificate)}
    for settings in (ours, {**ours, "ssl.endpoint.identification.algorithm": "https"}):
        context = context_of(settings)
        assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED
    nameless = context_of({**ours, "ssl.endpoint.identification.algorithm": "none"})
    assert not nameless.check_hostname and nameless.verify_mode is ssl.CERT_REQUIRED
    for no in ("false", "FALSE", "0"):
        trusting = context_of({"enable.ssl.certificate.verification": no})
        assert not trusting.check_hostname and trusting.verify_mode is ssl.CERT_NONE
    for name in ("ssl.endpoint.identification.algorithm", "enable.ssl.certificate.verification"):
        assert refusal_of({**TLS, name: "perhaps"}).startswith(f"{name} must be ")


def test_authorities_come_from_a_file_a_folder_or_the_setting_itself(authority: Authority, tmp_path: Path) -> None:
    pem = authority.certificate.read_text()
    for settings in ({"ssl.ca.location": str(authority.certificate)}, {"ssl.ca.pem": pem}):
        (known,) = context_of(settings).get_ca_certs()
        assert known["subject"] == ((("commonName", "annals test authority"),),)
    assert context_of({"ssl.ca.location": str(tmp_path)}).get_ca_certs() == [], "a folder is read when it is needed"
    of_the_system = len(ssl.create_default_context().get_ca_certs())
    assert len(context_of({"ssl.ca.location": "probe"}).get_ca_certs()) == of_the_system


def test_a_client_shows_its_certificate(authority: Authority) -> None:
    """Python does not tell which certificate a context has; that brokers see it, the tests on a real Kafka show."""
    plain, sealed = authority.certify("plain", "DNS:a"), authority.certify("sealed", "DNS:b", password="correct horse")
    context_of({"ssl.certificate.location": str(plain.certificate), "ssl.key.location": str(plain.key)})
    context_of({"ssl.certificate.pem": plain.certificate.read_text(), "ssl.key.pem": plain.key.read_text()})
    context_of({"ssl.certificate.pem": plain.certificate.read_text(), "ssl.key.location": str(plain.key)})
    locked = {"ssl.certificate.location": str(sealed.certificate), "ssl.key.location": str(sealed.key)}
    context_of({**locked, "ssl.key.password": "correct horse"})
    for wrong in (locked, {**locked, "ssl.key.password": "wrong"}, {**locked, "ssl.key.location": str(plain.key)}):
        line = refusal_of({**TLS, **wrong})
        assert line.startswith("ssl.certificate.location, ssl.key.location: ")


@pytest.mark.parametrize("half", ["ssl.certificate.location", "ssl.certificate.pem", "ssl.key.location", "ssl.key.pem"])
def test_half_a_certificate_is_refused(half: str) -> None:
    assert refusal_of({**TLS, half: "x"}).startswith(f"{half} ")


@pytest.mark.parametrize("name", ["ssl.ca", "ssl.certificate", "ssl.key"])
def test_one_thing_is_given_in_one_way(name: str) -> None:
    line = refusal_of({**TLS, f"{name}.location": "x", f"{name}.pem": "y"})
    assert f"{name}.location" in line and f"{name}.pem" in line


def test_ciphers_and_revoked_certificates_count(authority: Authority) -> None:
    context = context_of({"ssl.cipher.suites": "ECDHE-ECDSA-AES256-GCM-SHA384"})
    assert "ECDHE-ECDSA-AES256-GCM-SHA384" in [each["name"] for each in context.get_ciphers()]
    assert "ECDHE-RSA-AES128-GCM-SHA256" not in [each["name"] for each in context.get_ciphers()]
    checking = context_of({"ssl.ca.location": str(authority.certificate), "ssl.crl.location": str(authority.revoked())})
    assert checking.verify_flags & ssl.VERIFY_CRL_CHECK_LEAF
    assert checking.cert_store_stats()["crl"] == 1


@pytest.mark.parametrize("name", ["ssl.ca.location", "ssl.crl.location", "ssl.ca.pem", "ssl.cipher.suites"])
def test_what_cannot_be_read_is_refused_by_its_name(name: str) -> None:
    assert refusal_of({**TLS, name: "/nowhere/secret.pem"}).startswith(f"{name}: ")


def test_a_password_is_never_shown() -> None:
    assert "correct horse" not in repr(read_credentials(LOGIN))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ("'security.protocol' = 'SASL_SSL'\n'sasl.mechanisms' = 'OAUTHBEARER'", "sasl.mechanisms"),
        ("'ssl.keystore.location' = '/x'\n'ssl.keystore.password' = 'hunter2'", "ssl.keystore.location"),
        ("'security.protocol' = 'SSL'\n'ssl.ca.location' = '/nowhere'", "ssl.ca.location"),
    ],
)
@pytest.mark.parametrize("command", [("topics", "diff"), ("run", "relay"), ("run", "worker")])
def test_a_command_says_so_in_one_line_before_anything_starts(
    tmp_path: Path, command: tuple[str, ...], settings: str, named: str
) -> None:
    (tmp_path / "annals.toml").write_text(f"[kafka]\n{settings}\n")
    line = refused(tmp_path, *command, exit_code=2)
    assert named in line
    assert "hunter2" not in line


def test_a_login_that_would_not_be_used_is_refused() -> None:
    without = {name: value for name, value in LOGIN.items() if name != "security.protocol"}
    assert "security.protocol is missing" in refusal_of(without)
    assert "security.protocol is missing" in refusal_of({"ssl.ca.location": "/nowhere.pem"})
