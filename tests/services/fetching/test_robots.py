"""robots.txt by RFC 9309: which group is ours, and which rule decides."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetching.robots import EVERYTHING, LIMIT_BYTES, NOTHING, read

EXAMPLE = b"""\xef\xbb\xbf# The site's own words
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/
Crawl-delay: 10

user-agent: foobot
user-agent: Annals/2.0
Allow: /example/page.html
Allow: /example/allowed.gif
Disallow : /example/  # but for these
Disallow:

Sitemap: https://example.org/sitemap.xml
User-agent: annals
disallow: /a%3cd.html
disallow: /\xe3\x83\x84
disallow: /private*/x$
disallow: /%7Ejoe/
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        *(("/example/page.html", True), ("/example/other.html", False), ("/example/allowed.gif", True)),
        *(("/robots.txt", True), ("/", True), ("/else.gif", True), ("/publications/", True)),
        # Groups of the same name are one; escapes compare as what they stand for.
        *(("/a%3Cd.html", False), ("/a%3cd.html", False), ("/%E3%83%84/x", False), ("/~joe/index.html", False)),
        *(("/private/x", False), ("/private/deep/x", False), ("/private/x/y", True), ("/privately/x?q", True)),
    ],
)
def test_the_longest_rule_of_our_groups_decides(path: str, allowed: bool) -> None:
    assert read(EXAMPLE).allow(path) == allowed


def test_who_is_not_named_keeps_to_the_rules_for_everybody() -> None:
    rules = read(EXAMPLE.replace(b"Annals", b"annalist").replace(b": annals", b": other"))
    assert not rules.allow("/example/page.html") and not rules.allow("/pictures/a.gif")
    assert rules.allow("/pictures/a.gif?large") and rules.allow("/a%3Cd.html")
    equal = read(b"user-agent: *\ndisallow: /a\nallow: /a\n")
    assert equal.allow("/a"), "of two as long the one that allows"
    assert read(b"disallow: /\n").allow("/x"), "a rule of nobody"
    assert read(b"").allow("/x") and EVERYTHING.allow("/x") and not NOTHING.allow("/x")


@given(st.binary(max_size=400), st.text(max_size=30))
def test_whatever_a_site_says_is_read(raw: bytes, path: str) -> None:
    assert read(raw).allow("/" + path) in (True, False)


def test_a_hostile_one_takes_no_time() -> None:
    began = time.monotonic()
    rules = read(b"user-agent: *\ndisallow: /" + b"*a" * 100_000 + b"$\n" + b"disallow: /\n" * 100_000)
    assert not rules.allow("/" + "a" * 5_000)
    assert time.monotonic() - began < 20
    late = b"user-agent: *\n" + b"#" * LIMIT_BYTES + b"\ndisallow: /\n"
    assert read(late).allow("/x"), "what comes behind the limit is not read"
