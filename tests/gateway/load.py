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
KEPT_S = 3.0
"""A connection that is not used for longer is given back: the gateway ends it after five seconds."""
SERVED_WITHIN_S = 60.0
"""After the end, what was begun before it."""


@dataclass
class Answered:
    """`acknowledged` are ids of documents; `writes` are, by user, those that were let through or refused by his limit.

    `limits`: how often each was met, by the problem's type. `unserved` clients were refused to the end.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    limits: Counter[str] = field(default_factory=Counter)
    unserved: int = 0
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

    async def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, float, bytes]:
        """Status, seconds of Retry-After and body. Raises OSError, IncompleteReadError where the connection ends."""
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
                head_of = dict(line.split(b": ", 1) for line in lines[1:] if line)
                answer = await reader.readexactly(int(head_of[b"content-length"]))
            if b"connection: close" in lines:
                self.close()
            return int(lines[0].split()[1]), float(head_of.get(b"retry-after", b"0")), answer
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """The next request makes a new one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


WRITE = "/api/v1/documents"
NOT_NOW = ("starting", "busy")
"""Problems of a gateway that was killed and is started again: nothing was done, and who comes again is served."""
READS = ("/api/v1/documents/harbour", "/api/v1/documents?limit=5", "/api/v1/entities/Ada", "/api/v1/entities?limit=5")


async def load(port: int, tokens: Sequence[str], clients: int, seconds: float, found: Answered) -> None:
    """Each client asks one thing after the other until the time is over; two of five are writes of new documents.

    What is refused is asked again after what Retry-After says until it is done, the last request of each, too. Each
    fifth client does not heed it, and goes when the time is over.
    """
    end = time.monotonic() + seconds
    opened = [Client(port, tokens[number % len(tokens)]) for number in range(clients)]
    # In CPython sockets of one loop: all of them are open at once.
    await asyncio.gather(
        *(_one(client, number, number % len(tokens), end, found) for number, client in enumerate(opened))
    )
    for client in opened:
        client.close()


async def _one(client: Client, number: int, user: int, end: float, found: Answered) -> None:
    rng, count, patient = random.Random(number), 0, number % 5 > 0
    while time.monotonic() < end:
        count += 1
        name = f"load/{number}/{count}" if rng.random() < 0.4 else None
        while not await _done(client, name, rng, user, found, patient=patient):
            if time.monotonic() > end + (SERVED_WITHIN_S if patient else 0.0):
                found.unserved += patient
                return


async def _done(
    client: Client, name: str | None, rng: random.Random, user: int, found: Answered, *, patient: bool
) -> bool:
    """One try, and the pause after it; `name` is of a document to be written."""
    sent = time.monotonic()
    try:
        if name is not None:
            document = {"id": name, "title": name, "text": f"{name} says {user}."}
            status, retry_after_s, body = await client.request("POST", WRITE, json.dumps(document).encode())
        else:
            status, retry_after_s, body = await client.request("GET", rng.choice(READS))
    except (OSError, asyncio.IncompleteReadError):
        found.broken += 1
        await asyncio.sleep(rng.uniform(0.1, 0.5))
        return False
    done = time.monotonic()
    found.statuses[status] += 1
    found.took_s.append(done - sent)
    if status == 503 and json.loads(body)["type"].rpartition(":")[2] in NOT_NOW:
        assert retry_after_s >= 1, "it says when to come again"
        await asyncio.sleep(retry_after_s * rng.uniform(1.0, 1.2))
        return False
    if status not in (200, 201, 429):
        found.others.append(f"{status} {json.loads(body).get('detail')}")
        return True
    limit = json.loads(body)["type"].rpartition(":")[2] if status == 429 else None
    if limit is not None:
        found.limits[limit] += 1
        assert retry_after_s >= 1, "it says when to come again"
    if name is not None:
        # What waits for no turn was let through by the limit of requests before.
        found.writes[user].append(Write(sent, done, limit != "too-many-requests"))
        if limit is None:
            found.acknowledged.append(name)
    if limit is not None:
        pause_s = retry_after_s * rng.uniform(1.0, 1.5) if patient else rng.uniform(0.05, 0.2)
        if pause_s >= KEPT_S:
            client.close()
        await asyncio.sleep(pause_s)
    return limit is None


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
