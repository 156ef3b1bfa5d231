"""Many clients at once, each with a connection of its own, over loopback: reads and writes, and what became of them."""

import asyncio
import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

READ_LIMIT_S = 60.0


@dataclass
class Answered:
    """`acknowledged` are ids of documents; `writes` are, by user, those that were let through or refused."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    acknowledged: list[str] = field(default_factory=list)
    writes: dict[int, list["Write"]] = field(default_factory=lambda: defaultdict(list))
    took_s: list[float] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Seconds of an answer."""
        return sorted(self.took_s)[min(len(self.took_s) - 1, int(share * len(self.took_s)))]


@dataclass(frozen=True)
class Write:
    """Of one user; times of `time.monotonic`."""

    sent: float
    done: float
    allowed: bool


class Client:
    """One connection, kept for all requests, made anew where it breaks."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body. Raises OSError, IncompleteReadError where the connection ends."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {self._token}\r\n"
            if body:
                head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(head.encode() + b"\r\n" + body)
            async with asyncio.timeout(READ_LIMIT_S):
                lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
                lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")]
                answer = await reader.readexactly(lengths[0])
            if b"connection: close" in lines:
                self.close()
            return int(lines[0].split()[1]), answer
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """The next request makes a new one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


READS = ("/api/v1/documents/harbour", "/api/v1/documents?limit=5", "/api/v1/entities/Ada", "/api/v1/entities?limit=5")


async def load(port: int, tokens: Sequence[str], clients: int, seconds: float, found: Answered) -> None:
    """Each client asks one thing after the other until the time is over; two of five are writes of new documents."""
    end = time.monotonic() + seconds
    opened = [Client(port, tokens[number % len(tokens)]) for number in range(clients)]
    # In CPython sockets of one loop: all of them are open at once.
    await asyncio.gather(
        *(_one(client, number, number % len(tokens), end, found) for number, client in enumerate(opened))
    )
    for client in opened:
        client.close()


async def _one(client: Client, number: int, user: int, end: float, found: Answered) -> None:
    rng, count = random.Random(number), 0
    while time.monotonic() < end:
        count += 1
        sent = time.monotonic()
        writes = rng.random() < 0.4
        name = f"load/{number}/{count}"
        try:
            if writes:
                document = {"id": name, "title": name, "text": f"Client {number} says {count}."}
                status, body = await client.request("POST", "/api/v1/documents", json.dumps(document).encode())
            else:
                status, body = await client.request("GET", rng.choice(READS))
        except (OSError, asyncio.IncompleteReadError):
            found.broken += 1
            await asyncio.sleep(rng.uniform(0.1, 0.5))
            continue
        done = time.monotonic()
        found.statuses[status] += 1
        found.took_s.append(done - sent)
        if writes and status in (200, 201):
            found.acknowledged.append(name)
        if writes and status in (200, 201, 429):
            found.writes[user].append(Write(sent, done, status != 429))
        if status not in (200, 201, 429):
            found.others.append(f"{status} {body[:300]!r}")
        elif status == 429:
            await asyncio.sleep(rng.uniform(0.05, 0.2))


def check_limit(writes: Sequence[Write], limit: int, per_s: float) -> None:
    """As many went through as the measure holds and as came back meanwhile, to the request.

    `limit` at once, and one more each `per_s / limit` seconds from the first on: by the gateway's clock, which is
    between the sending and the answer of each.
    """
    allowed = [one for one in writes if one.allowed]
    begun, over = min(one.sent for one in allowed), max(one.done for one in writes)
    most = limit + math.floor((over - begun) * limit / per_s)
    assert len(allowed) <= most, f"{len(allowed)} went through, {most} at most"
    refused = [one for one in writes if not one.allowed]
    for one in refused:
        before = sum(other.sent < one.done for other in allowed)
        least = limit + math.floor((one.sent - min(other.done for other in allowed)) * limit / per_s)
        assert before >= least, f"refused after {before}, of {least}"
