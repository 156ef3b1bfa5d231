"""One document from a real server: within limits, where robots may, and from no address that is not checked."""

import contextlib
import gzip
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from security.destinations import refusal as refusal_of
from services.fetching.fetcher import HOPS, Fetched, FetchLimits, NotFetchedError, UrlFetcher
from tests.services.webhooks.receiver import Message, Receiver, receiving, status
from tests.streams.certificates import Authority

LIMITS = FetchLimits(bytes=100_000, seconds=10)
Pages = dict[str, bytes | Callable[[Message], bytes | None] | None]


class Names:
    """A resolver whose answers are given; an address is itself, and any other name this machine's."""

    def __init__(self, known: Mapping[str, list[Sequence[str]]] | None = None) -> None:
        self.known = dict(known or {})
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.known.get(host)
        if answers:
            return answers.pop(0)
        return [host] if host.replace(".", "").isdigit() else ["127.0.0.1"]


@contextlib.asynccontextmanager
async def site(pages: Pages, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """A server of these pages; of others it knows nothing."""
    async with receiving(tls, host) as receiver:

        def answer(message: Message) -> bytes | None:
            page = pages.get(message.path, status(404))
            return page(message) if callable(page) else page

        receiver.answer = answer
        yield receiver


@contextlib.asynccontextmanager
async def fetching(limits: FetchLimits = LIMITS, **options: object) -> AsyncIterator[UrlFetcher]:
    options = {"private_allowed": True, **options}
    async with contextlib.aclosing(UrlFetcher(limits, **options)) as fetcher:  # type: ignore[arg-type]
        yield fetcher


async def refusal(fetcher: UrlFetcher, url: str) -> str:
    with pytest.raises(NotFetchedError) as refused:
        await fetcher.fetch(url)
    return str(refused.value)


def at(receiver: Receiver, path: str, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{receiver.port}{path}"


async def test_a_page_and_whether_it_changed() -> None:
    def page(message: Message) -> bytes:
        same = message.headers.get("if-none-match") == '"v1"'
        return (
            status(304) if same else status(200, 'etag: "v1"', "last-modified: Mon", "content-type: text/x", body=b"A")
        )

    async with site({"/a?b": page}) as receiver, fetching() as fetcher:
        url = at(receiver, "/a?b")
        assert await fetcher.fetch(f"{url}#part") == Fetched(url, b"A", "text/x", '"v1"', "Mon")
        assert await fetcher.fetch(url, etag='"v1"', last_modified="Mon") is None
        again = await fetcher.fetch(url, etag='"v0"')
        assert again is not None and again.content == b"A"
    paths = [message.path for message in receiver.messages]
    assert paths == ["/robots.txt", "/a?b", "/a?b", "/a?b"], "the rules for robots are asked for once"
    assert receiver.messages[2].headers["if-modified-since"] == "Mon"
    assert all("annals" in message.headers["user-agent"] for message in receiver.messages)


@pytest.mark.parametrize(
    "url",
    (
        *("https://127.0.0.1/", "https://localhost/", "https://127.1/", "https://0x7f.1/", "https://2130706433/"),
        *("https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest", "https://0/"),
        *(
            "http://93.184.215.14/",
            "ftp://example.org/",
            "https://u:p@example.org/",
            "https:///x",
            "file:///etc/passwd",
        ),
        *("https://[fe80::1]/", "https://10.0.0.1:443/", "https://192.168.0.1/", "https://[fc00::1]/", "https://"),
    ),
)
async def test_what_is_private_or_no_address_is_refused_and_nobody_is_asked(url: str) -> None:
    async with fetching(private_allowed=False) as fetcher:
        said = await refusal(fetcher, url)
    assert "address" in said or "https" in said


@pytest.mark.parametrize("port", (0, 65_536, 99_999, 2**40))
async def test_a_port_that_is_none_is_refused_also_where_a_page_leads_to_it(port: int) -> None:
    there = f"http://127.0.0.1:{port}/"
    async with site({"/": status(302, f"location: {there}")}) as receiver, fetching() as fetcher:
        for url in (there, at(receiver, "/")):
            assert await refusal(fetcher, url) == f"names port {port}, which does not exist; correct it"


async def test_metadata_is_refused_also_where_private_addresses_are_allowed() -> None:
    async with fetching() as fetcher:
        assert "credentials" in await refusal(fetcher, "http://169.254.169.254/latest/meta-data")


async def test_every_hop_is_checked() -> None:
    """Of redirects too: address, robots.txt, and how many there are."""
    pages: Pages = {
        "/to-metadata": status(302, "location: http://169.254.169.254/latest"),
        "/to-mixed": status(302, "location: http://mixed.test/"),
        "/to-file": status(302, "location: file:///etc/passwd"),
        "/to-plain": status(302, "location: http://93.184.215.14/"),
        "/circle": status(302, "location: /circle"),
        "/there": status(301, "location: deep/page"),
        "/deep/page": status(200, body=b"Found."),
    }
    names = Names({"mixed.test": [["127.0.0.1", "169.254.169.254"]]})
    async with site(pages) as receiver, fetching(resolve=names) as fetcher:
        found = await fetcher.fetch(at(receiver, "/there"))
        assert found is not None and (found.content, found.url) == (b"Found.", at(receiver, "/deep/page"))
        assert "more than 5 times" in await refusal(fetcher, at(receiver, "/circle"))
        assert len([one for one in receiver.messages if one.path == "/circle"]) == HOPS + 1
        for path in ("/to-metadata", "/to-mixed"):
            assert "credentials" in await refusal(fetcher, at(receiver, path))
        assert "no https address" in await refusal(fetcher, at(receiver, "/to-file"))
        assert "needs https" in await refusal(fetcher, at(receiver, "/to-plain"))


async def test_a_redirect_inwards_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """From an address that counts as public to one that does not: nobody is asked there."""

    def but_one(scheme: str, address: str, *, private_allowed: bool) -> str | None:
        return None if address == "127.0.0.2" else refusal_of(scheme, address, private_allowed=private_allowed)

    monkeypatch.setattr("services.destinations.refusal", but_one)
    pages: Pages = {}
    async with site({}) as inner, site(pages, host="127.0.0.2") as outer:
        pages["/"] = status(307, f"location: https://inner.test:{inner.port}/")
        names = Names({"outer.test": [["127.0.0.2"]] * 2})
        async with fetching(private_allowed=False, resolve=names) as fetcher:
            assert "private" in await refusal(fetcher, at(outer, "/", "outer.test"))
        assert [one.path for one in outer.messages] == ["/robots.txt", "/"] and inner.connections == 0


async def test_a_name_that_changes_its_address_is_followed_nowhere() -> None:
    """Each request uses the very address that was checked for it."""
    async with site({"/": status(200, body=b"A")}) as receiver:
        names = Names({"rebinding.test": [["127.0.0.1"], ["127.0.0.1"], ["169.254.169.254"]]})
        async with fetching(resolve=names) as fetcher:
            found = await fetcher.fetch(at(receiver, "/", "rebinding.test"))
            assert found is not None and found.content == b"A"
            assert names.asked == ["rebinding.test"] * 2, "once for robots.txt, once for the page"
            assert "credentials" in await refusal(fetcher, at(receiver, "/", "rebinding.test"))
        assert receiver.messages[-1].headers["host"] == f"rebinding.test:{receiver.port}"
        asked = receiver.connections
        names.known["mixed.test"] = [["93.184.215.14", "127.0.0.1"]]
        async with fetching(private_allowed=False, resolve=names) as strict:
            assert "private" in await refusal(strict, f"https://mixed.test:{receiver.port}/")
        assert receiver.connections == asked


@pytest.mark.parametrize(
    ("robots", "may"),
    [
        (status(200, body=b"user-agent: *\ndisallow: /private"), True),
        (status(200, body=b"user-agent: *\ndisallow: /"), False),
        (status(200, body=b"user-agent: annals\ndisallow: /page"), False),
        (status(200, body=b"user-agent: *\ndisallow: /\n\nuser-agent: annals\ndisallow:\n"), True),
        *((status(404), True), (status(403), True), (status(500), False), (status(503), False), (status(429), False)),
        (status(302, "location: /rules"), False),
        (status(302, "location: /robots.txt"), True),
    ],
)
async def test_robots_are_heeded(robots: bytes, may: bool) -> None:
    pages: Pages = {
        "/robots.txt": robots,
        "/rules": status(200, body=b"user-agent: *\ndisallow: /page"),
        "/page": status(200, body=b"A"),
    }
    async with site(pages) as receiver, fetching() as fetcher:
        if may:
            assert await fetcher.fetch(at(receiver, "/page")) is not None
        else:
            assert "not for robots" in await refusal(fetcher, at(receiver, "/page"))
            assert "/page" not in [message.path for message in receiver.messages]


async def test_a_redirect_to_what_is_not_for_robots_is_not_followed() -> None:
    pages: Pages = {
        "/robots.txt": status(200, body=b"user-agent: *\ndisallow: /secret"),
        "/page": status(302, "location: /secret"),
        "/secret": status(200, body=b"A"),
    }
    async with site(pages) as receiver, fetching() as fetcher:
        assert "not for robots" in await refusal(fetcher, at(receiver, "/page"))
        assert "/secret" not in [message.path for message in receiver.messages]


async def test_what_is_too_large_or_takes_too_long_is_given_up() -> None:
    bomb = gzip.compress(bytes(5_000_000))
    pages: Pages = {
        "/large": b"HTTP/1.1 200 told\r\ncontent-length: 99999999999\r\n\r\n" + b"x" * 200_000,
        "/bomb": status(200, "content-encoding: gzip", body=bomb),
        "/packed": status(200, "content-encoding: gzip", body=gzip.compress(b"A" * 50_000)),
        "/broken": status(200, "content-encoding: gzip", body=b"no gzip"),
        "/short": b"HTTP/1.1 200 told\r\ncontent-length: 100\r\n\r\nA",
        "/silent": None,
    }
    async with site(pages) as receiver:
        async with fetching() as fetcher:
            for path in ("/large", "/bomb"):
                assert await refusal(fetcher, at(receiver, path)) == "is more than 100,000 bytes; raise max_file_bytes"
            packed = await fetcher.fetch(at(receiver, "/packed"))
            assert packed is not None and packed.content == b"A" * 50_000
            for path in ("/broken", "/short"):
                assert "cannot be fetched" in await refusal(fetcher, at(receiver, path))
        async with fetching(FetchLimits(bytes=100, seconds=0.5)) as hasty:
            assert "no whole answer within 0.5 s" in await refusal(hasty, at(receiver, "/silent"))


@pytest.mark.parametrize("code", (201, 204, 304, 400, 401, 404, 410, 429, 500, 503))
async def test_everything_but_success_is_named(code: int) -> None:
    async with site({"/": status(code, body=b"secret")}) as receiver, fetching() as fetcher:
        said = await refusal(fetcher, at(receiver, "/"))
    assert said == f"answered {code}; correct the address, or try again later"


async def test_nobody_there_is_named() -> None:
    async with site({}) as receiver:
        pass
    async with fetching() as fetcher:
        assert "cannot be fetched (ConnectError" in await refusal(fetcher, at(receiver, "/"))


async def test_with_tls_the_certificate_must_be_of_the_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    made = authority.certify("pages", "DNS:pages.test")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(made.certificate, made.key)
    believing = ssl.create_default_context(cafile=str(authority.certificate))
    secure = site({"/": status(200, body=b"A")}, server)
    async with secure as receiver, fetching(resolve=Names(), tls=believing) as fetcher:
        found = await fetcher.fetch(f"https://pages.test:{receiver.port}/")
        assert found is not None and found.content == b"A"
        assert "CERTIFICATE_VERIFY_FAILED" in await refusal(fetcher, f"https://other.test:{receiver.port}/")
