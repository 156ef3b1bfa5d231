"""One message to one receiver: signed, to the address that was checked, and to no other."""

import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from services.webhooks import sending
from services.webhooks.sending import UnusableUrlError, WebhookSender
from tests.services.webhooks.receiver import OK, receiving, status
from tests.streams.certificates import Authority

SECRET = "whsec_" + "c2VjcmV0" * 5
SECRETS = [SECRET]


class Names:
    """A resolver that answers otherwise each time, as that of an attacker."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0)


async def test_receivers_verify_what_was_sent_with_their_library() -> None:
    sender = WebhookSender(private_allowed=True)
    async with receiving() as receiver:
        sent = await sender.send(receiver.url, SECRETS, "e1", '{"name": "Ädä"}')
        assert (sent.status, sent.fault) == (204, None)
    (message,) = receiver.messages
    assert message.verified(SECRET) == {"name": "Ädä"}
    assert message.headers["webhook-id"] == "e1" and message.path == "/hook?of=annals"
    with pytest.raises(WebhookVerificationError):
        message.verified("whsec_" + "YW5vdGhlcg" * 4)
    changed = {**message.headers, "webhook-id": "e2"}
    with pytest.raises(WebhookVerificationError):
        type(message)(message.path, changed, message.body).verified(SECRET)


@pytest.mark.parametrize(
    "url",
    (
        *("https://127.0.0.1/", "https://localhost/", "https://127.1/", "https://0x7f.1/", "https://2130706433/"),
        *("https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest", "https://0/"),
        *("https://[64:ff9b::a00:1]/", "http://example.org/", "ftp://example.org/", "https://u:p@example.org/"),
        *("https://example.org/#x", "https:///x", "file:///etc/passwd", "https://[fe80::1]/", "https://10.0.0.1:443/"),
    ),
)
async def test_what_is_private_or_no_address_is_refused_and_nothing_is_sent(url: str) -> None:
    sender = WebhookSender(private_allowed=False)
    with pytest.raises(UnusableUrlError):
        await sender.check_address(url)
    assert (await sender.send(url, SECRETS, "e1", "{}")).fault is not None


@pytest.mark.parametrize("port", (0, 65_536, 99_999, 2**40))
async def test_a_port_that_is_none_is_refused_and_sending_raises_nothing(port: int) -> None:
    sender, url = WebhookSender(private_allowed=True), f"https://127.0.0.1:{port}/"
    with pytest.raises(UnusableUrlError, match=f"there is no port {port}; give another one"):
        await sender.check_address(url)
    assert f"no port {port}" in ((await sender.send(url, SECRETS, "e1", "{}")).fault or "")


async def test_a_name_that_changes_its_address_is_followed_nowhere() -> None:
    async with receiving() as receiver:
        names = Names(["127.0.0.1"], ["93.184.215.14"], ["93.184.215.14", "127.0.0.1"])
        sender = WebhookSender(private_allowed=True, resolve=names)
        # Looked up once: what the name says the second time would be another address.
        assert (await sender.send(f"http://rebinding.test:{receiver.port}/", SECRETS, "e1", "{}")).fault is None
        assert names.asked == 1 and len(receiver.messages) == 1
        assert receiver.messages[0].headers["host"] == f"rebinding.test:{receiver.port}"
    async with receiving() as receiver:
        strict = WebhookSender(private_allowed=False, resolve=Names(["93.184.215.14", "127.0.0.1"]))
        sent = await strict.send(f"https://rebinding.test:{receiver.port}/", SECRETS, "e1", "{}")
        assert "private" in (sent.fault or "") and receiver.connections == 0


async def test_two_secrets_sign_side_by_side() -> None:
    former = "whsec_" + "Zm9ybWVy" * 5
    async with receiving() as receiver:
        await WebhookSender(private_allowed=True).send(receiver.url, [SECRET, former], "e1", "{}")
    (message,) = receiver.messages
    assert message.verified(SECRET) == message.verified(former) == {}
    with pytest.raises(WebhookVerificationError):
        message.verified("whsec_" + "YW5vdGhlcg" * 4)


async def test_redirects_are_not_followed() -> None:
    async with receiving() as receiver, receiving() as inner:
        receiver.answer = lambda _: status(307, f"location: {inner.url}")
        sent = await WebhookSender(private_allowed=True).send(receiver.url, SECRETS, "e1", "{}")
        assert sent.status == 307 and "not followed" in (sent.fault or "")
        assert inner.connections == 0


@pytest.mark.parametrize("code", (400, 401, 404, 410, 429, 500, 503))
async def test_everything_but_success_is_a_fault(code: int) -> None:
    async with receiving() as receiver:
        receiver.answer = lambda _: status(code, body=b"secret of the inner network")
        sent = await WebhookSender(private_allowed=True).send(receiver.url, SECRETS, "e1", "{}")
        assert sent.status == code and sent.fault is not None and "secret" not in sent.fault


async def test_an_answer_without_end_is_read_to_its_bound() -> None:
    async with receiving() as receiver:
        receiver.answer = lambda _: b"HTTP/1.1 200 told\r\ncontent-length: 99999999999\r\n\r\n" + b"x" * 100_000
        assert (await WebhookSender(private_allowed=True).send(receiver.url, SECRETS, "e1", "{}")).status == 200


async def test_a_receiver_that_says_nothing_is_waited_for_until_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LIMIT_S", 0.3)
    async with receiving() as receiver:
        receiver.answer = lambda _: None
        sent = await WebhookSender(private_allowed=True).send(receiver.url, SECRETS, "e1", "{}")
        assert sent.fault == "no answer within 0.3 s"


async def test_with_tls_the_certificate_must_be_of_the_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    made = authority.certify("hooks", "DNS:hooks.test")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(made.certificate, made.key)
    believing = ssl.create_default_context(cafile=str(authority.certificate))
    names = Names(["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"])
    async with receiving(server) as receiver:
        receiver.answer = lambda _: OK
        sender = WebhookSender(private_allowed=True, resolve=names, tls=believing)
        assert (await sender.send(f"https://hooks.test:{receiver.port}/", SECRETS, "e1", "{}")).fault is None
        other = await sender.send(f"https://other.test:{receiver.port}/", SECRETS, "e2", "{}")
        assert "CERTIFICATE_VERIFY_FAILED" in (other.fault or "")
        untrusting = WebhookSender(private_allowed=True, resolve=names)
        assert (await untrusting.send(f"https://hooks.test:{receiver.port}/", SECRETS, "e3", "{}")).fault is not None
    assert receiver.ids == ["e1"]
