"""TLS and logins on a Kafka that wants them: what librdkafka is told holds for Faust too, and a refusal is plain."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError as AiokafkaError
from confluent_kafka import Consumer, KafkaException, Producer
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from contracts.topics import topics
from eventstore.kafka.broker_check import BrokerCheck
from eventstore.kafka.ownership import PATIENCE_S
from eventstore.kafka.topic_admin import TopicAdmin
from streams.app import build_app
from tests.annals.pipeline import start_role
from tests.annals.processes import until
from tests.servers import kafka as plain_kafka
from tests.servers.conftest import HOW_TO_ASK
from tests.servers.kafka import Listener, launch_with
from tests.servers.packages import MissingError
from tests.servers.processes import ProcessServer
from tests.servers.ways import WANTED, free_ports
from tests.streams.certificates import Authority, Certificate

pytestmark = [pytest.mark.timeout(240)]

USER, PASSWORD = "annals", "correct horse battery"
REFUSED_WITHIN_S = 8
_SECURITY = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class SecureKafka:
    """Where it listens, by the listener's name, and the files with which its clients come in."""

    login: str
    mutual: str
    elsewhere: str
    authority: Path
    client: Certificate
    sealed: Certificate

    def with_login(self, mechanism: str, **more: str) -> dict[str, str]:
        """Settings of the user over SASL_SSL."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanisms": mechanism,
            "sasl.username": USER,
            "sasl.password": PASSWORD,
            "ssl.ca.location": str(self.authority),
            **more,
        }


def shown(certificate: Certificate) -> dict[str, str]:
    """Kafka's settings for a server with this certificate."""
    both = certificate.key.with_suffix(".both.pem")
    both.write_text(certificate.key.read_text() + certificate.certificate.read_text())
    return {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(both)}


def logins() -> dict[str, str]:
    """Kafka's settings for a listener that knows the user: SCRAM's from the format of its folder, PLAIN's from here."""
    scram = f"{_SECURITY}.scram.ScramLoginModule required;"
    return {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "scram-sha-256.sasl.jaas.config": scram,
        "scram-sha-512.sasl.jaas.config": scram,
        "plain.sasl.jaas.config": f'{_SECURITY}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
    }


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """A Kafka of these tests' own, from published packages, with an authority made on the spot."""
    if os.environ.get(WANTED) != "1":
        pytest.skip(HOW_TO_ASK)
    files = tmp_path_factory.mktemp("certificates")
    authority = Authority(files)
    right = shown(authority.certify("here", "DNS:localhost,IP:127.0.0.1"))
    wrong = shown(authority.certify("elsewhere", "DNS:kafka.example.org"))
    trust = {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(authority.certificate)}
    port, *ports = free_ports(4)
    listeners = [
        Listener("LOGIN", "SASL_SSL", ports[0], right | logins()),
        Listener("MUTUAL", "SSL", ports[1], right | trust | {"ssl.client.auth": "required"}),
        Listener("ELSEWHERE", "SSL", ports[2], wrong),
    ]
    users = [f"{mechanism}=[name={USER},password={PASSWORD}]" for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
    folder = Path(tempfile.mkdtemp(prefix="annals-test-secure-kafka-"))
    try:
        launch = launch_with(folder, port, print, listeners, users)
    except BaseException as error:
        shutil.rmtree(folder)
        if isinstance(error, MissingError):
            pytest.fail(str(error), pytrace=False)
        raise
    server = ProcessServer("Kafka with TLS", f"127.0.0.1:{port}", plain_kafka.ready, launch, folder)
    try:
        server.start()
        login, mutual, elsewhere = (f"127.0.0.1:{each}" for each in ports)
        yield SecureKafka(
            login,
            mutual,
            elsewhere,
            authority=authority.certificate,
            client=authority.certify("client", "DNS:annals"),
            sealed=authority.certify("sealed", "DNS:annals", password="hunter2"),
        )
    finally:
        server.close()


async def faust_comes_in(address: str, settings: Mapping[str, str]) -> None:
    """As Faust does, with what its app was built with. Raises aiokafka's error."""
    app = build_app("g", address, settings, Path("unused"))
    client = AIOKafkaClient(bootstrap_servers=address, **credentials_to_aiokafka_auth(app.conf.broker_credentials))
    try:
        await client.bootstrap()
    finally:
        await client.close()


def relay_comes_in(address: str, settings: Mapping[str, str]) -> None:
    """As the relay does. Raises librdkafka's error."""
    client = {"bootstrap.servers": address, **settings}
    BrokerCheck(client, topics(), "nobody's").present(PATIENCE_S)
    TopicAdmin(client).apply(topics().all)


def both_come_in(address: str, settings: Mapping[str, str]) -> None:
    relay_comes_in(address, settings)
    asyncio.run(faust_comes_in(address, settings))


def both_are_refused(address: str, settings: Mapping[str, str], why: str) -> None:
    """Within seconds, and the relay says why."""
    began = time.monotonic()
    with pytest.raises(KafkaException) as told:
        relay_comes_in(address, settings)
    assert why in told.value.args[0].str()
    assert PASSWORD not in str(told.value)
    with pytest.raises(AiokafkaError):
        asyncio.run(faust_comes_in(address, settings))
    assert time.monotonic() - began < REFUSED_WITHIN_S


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_every_mechanism_lets_both_clients_in(secure: SecureKafka, mechanism: str) -> None:
    both_come_in(secure.login, secure.with_login(mechanism))
    by_its_other_name = secure.with_login(mechanism, **{"sasl.mechanism": mechanism})
    del by_its_other_name["sasl.mechanisms"]
    both_come_in(secure.login.replace("127.0.0.1", "localhost"), by_its_other_name)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password_is_said_plainly(secure: SecureKafka, mechanism: str) -> None:
    wrong = secure.with_login(mechanism, **{"sasl.password": "wrong"})
    both_are_refused(secure.login, wrong, "SASL authentication error: Authentication failed")


def test_a_broker_that_nobody_vouches_for_is_refused(secure: SecureKafka) -> None:
    stranger = secure.with_login("PLAIN", **{"ssl.ca.location": str(secure.client.certificate)})
    both_are_refused(secure.login, stranger, "certificate verify failed")
    both_come_in(secure.login, {**stranger, "enable.ssl.certificate.verification": "false"})


def test_a_broker_with_another_name_is_refused(secure: SecureKafka) -> None:
    settings = {"security.protocol": "SSL", "ssl.ca.pem": secure.authority.read_text()}
    both_are_refused(secure.elsewhere, settings, "certificate verify failed")
    both_come_in(secure.elsewhere, {**settings, "ssl.endpoint.identification.algorithm": "none"})


def test_a_broker_may_want_the_clients_certificate(secure: SecureKafka) -> None:
    settings = {"security.protocol": "SSL", "ssl.ca.location": str(secure.authority)}
    files, sealed = secure.client, secure.sealed
    for own in (
        {"ssl.certificate.location": str(files.certificate), "ssl.key.location": str(files.key)},
        {"ssl.certificate.pem": files.certificate.read_text(), "ssl.key.pem": files.key.read_text()},
        {
            "ssl.certificate.pem": sealed.certificate.read_text(),
            "ssl.key.pem": sealed.key.read_text(),
            "ssl.key.password": "hunter2",
        },
    ):
        both_come_in(secure.mutual, settings | own)
    with pytest.raises(KafkaException):
        relay_comes_in(secure.mutual, settings)
    with pytest.raises(AiokafkaError):
        asyncio.run(faust_comes_in(secure.mutual, settings))


def run(role: str, folder: Path, dsn: str, address: str, settings: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """One role in production's way; it writes to `ROLE.log`."""
    env = {"ANNALS_POSTGRES": dsn, "ANNALS_BROKER": address, "ANNALS_KAFKA": json.dumps(dict(settings))}
    folder.mkdir(exist_ok=True)
    return start_role(role, folder, folder / f"{role}.log", env)


def test_a_document_goes_from_the_inbox_to_its_topic_over_tls(secure: SecureKafka, dsn: str, tmp_path: Path) -> None:
    """In by Faust, which reads the inbox, and out by the relay, each with login and checked name of the broker."""
    settings = secure.with_login("SCRAM-SHA-512", **{"ssl.ca.pem": secure.authority.read_text()})
    del settings["ssl.ca.location"]
    roles = [run(role, tmp_path / "data", dsn, secure.login, settings) for role in ("relay", "intake")]
    document, client = f"d-{uuid4()}", {"bootstrap.servers": secure.login, **settings}
    consumer = Consumer({**client, "group.id": document, "auto.offset.reset": "earliest"})
    try:
        assert until(lambda: "publishing behind" in (tmp_path / "data" / "relay.log").read_text(), 60)
        consumer.subscribe(["annals.documents"])
        producer = Producer(client)
        producer.produce(topics().inboxes[0].name, json.dumps(submission(document)).encode(), document)
        assert producer.flush(10) == 0
        end = time.monotonic() + 60
        found = None
        while (found is None or found.error() is not None) and time.monotonic() < end:
            found = consumer.poll(0.5)
        assert found is not None and found.key() == document.encode(), (tmp_path / "data" / "intake.log").read_text()
    finally:
        consumer.close()
        for role in roles:
            role.send_signal(signal.SIGTERM)
            role.wait(30)


def submission(document: str) -> dict[str, object]:
    """A message for the inbox."""
    return {
        "event_id": str(uuid4()),
        "event_type": "DocumentIngested",
        "aggregate_id": document,
        "event_data": {"title": "A letter", "text": "Ada Lovelace wrote to Charles Babbage."},
        "timestamp": "2026-01-02T03:04:05Z",
    }


def test_a_relay_with_a_wrong_password_says_so_and_ends_when_it_is_told(
    secure: SecureKafka, dsn: str, tmp_path: Path
) -> None:
    settings = secure.with_login("SCRAM-SHA-512", **{"sasl.password": "wrong"})
    relay = run("relay", tmp_path / "data", dsn, secure.login, settings)
    log = tmp_path / "data" / "relay.log"
    assert until(lambda: "SASL authentication error" in log.read_text(), 30)
    assert relay.poll() is None, "whoever changes the password on the broker has nothing to start again"
    relay.send_signal(signal.SIGTERM)
    assert relay.wait(10) == 0
    said = [line for line in log.read_text().splitlines() if "SASL authentication error" in line]
    assert all("WARNING eventstore.kafka.relay: relay: " in line for line in said)
    assert "Traceback" not in log.read_text()
