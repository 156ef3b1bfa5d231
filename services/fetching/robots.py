"""What a site lets robots fetch: its robots.txt, by the Robots Exclusion Protocol (RFC 9309)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

LIMIT_BYTES = 512_000
"""Of a robots.txt; what comes behind is not read (RFC 9309, 2.5)."""
PRODUCT = "annals"
_UNRESERVED = re.compile(r"%([0-9a-fA-F]{2})")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules for us: patterns, each with whether it allows."""

    rules: Sequence[tuple[str, bool]] = ()

    def allow(self, path: str) -> bool:
        """Whether a path with its query may be fetched: the longest pattern that fits decides (RFC 9309, 2.2.2)."""
        path = _normal(path)
        fitting = [(len(pattern), allowed) for pattern, allowed in self.rules if _fits(pattern, path)]
        return path == "/robots.txt" or not fitting or max(fitting)[1]


EVERYTHING, NOTHING = Robots(), Robots((("/", False),))


def read(raw: bytes) -> Robots:
    """Of all groups that name us, else of those that name everybody."""
    ours: list[tuple[str, bool]] = []
    everybody: list[tuple[str, bool]] = []
    named = False
    agents: set[str] = set()
    in_rules = False
    for key, value in _lines(raw):
        if key == "user-agent":
            agents = {value} if in_rules else agents | {value}
            in_rules = False
            named = named or value == PRODUCT
        elif key in ("allow", "disallow"):
            in_rules = True
            if value:
                rule = _normal(value), key == "allow"
                ours += [rule] if PRODUCT in agents else []
                everybody += [rule] if "*" in agents else []
    return Robots(tuple(ours if named else everybody))


def _lines(raw: bytes) -> Iterator[tuple[str, str]]:
    for line in raw[:LIMIT_BYTES].decode("utf-8-sig", "replace").splitlines():
        key, sign, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if sign:
            # Of a name with a version, `annals/1.0`, the name counts.
            yield key, re.split(r"[/\s]", value.lower(), maxsplit=1)[0] if key == "user-agent" else value


def _normal(path: str) -> str:
    """Escaped where it must be, and only there, so that what is the same compares the same (RFC 9309, 2.2.2)."""
    return _UNRESERVED.sub(_unescaped, quote(path, safe="/%?=&;:@!$'()*+,~#[]-._"))


def _unescaped(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _PLAIN else f"%{found[1].upper()}"


def _fits(pattern: str, path: str) -> bool:
    """`*` is any characters, `$` at the end is the end; in time that grows with the path alone."""
    to_the_end = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not rest:
        return not to_the_end or at == len(path)
    for piece in rest[:-1]:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if to_the_end:
        return len(path) - at >= len(rest[-1]) and path.endswith(rest[-1])
    return path.find(rest[-1], at) >= 0
