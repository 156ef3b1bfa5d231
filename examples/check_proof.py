"""Checks what `annals prove EVENT` printed, with the public key alone: python check_proof.py PROOF.json PUBLIC_KEY

PUBLIC_KEY is the key's 32 bytes in base64, as `annals checkpoint` showed it: noted before, not taken from the proof.
Nothing of Annals is needed, only the package `cryptography`. Exit code 0 where the proof holds, else 1.
"""

import base64
import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def number(value):
    return int(value).to_bytes(8, "big", signed=True)


def hash_of(event, previous):
    """The event's hash in the log's chain: over the hash before, and over all that is stored of the event."""
    texts = ("event_type", "tenant", "aggregate_id", "correlation_id")
    return sha256(
        previous,
        b"\x01",
        number(event["position"]),
        number(event["follows"]),
        number(event["recorded_at"]),
        UUID(event["originator_id"]).bytes,
        number(event["originator_version"]),
        UUID(event["event_id"]).bytes,
        *(event[name].encode() + b"\x00" for name in texts),
        base64.b64decode(event["state"], validate=True),
    )


def root_of(entry, index, size, path):
    """The root of the Merkle tree that the entry and its path lead to (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise ValueError("the entry's number is not within the tree")
    found, last = sha256(b"\x00", entry), size - 1
    for other in path:
        if last == 0:
            raise ValueError("the path is too long")
        if index & 1 or index == last:
            found = sha256(b"\x01", other, found)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            found = sha256(b"\x01", found, other)
        index, last = index >> 1, last >> 1
    if last:
        raise ValueError("the path is too short")
    return found


def check(proof, public_key):
    """Raises ValueError, KeyError or TypeError where the proof does not hold."""
    checkpoint, event = proof["checkpoint"], proof["event"]
    at = datetime.fromisoformat(checkpoint["at"]).astimezone(UTC).isoformat(timespec="microseconds")
    own = [checkpoint[name] for name in ("log", "position", "size", "root")]
    signed = "".join(f"{line}\n" for line in ("annals checkpoint 1", *own, at, checkpoint["key_id"]))
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(checkpoint["signature"]), signed.encode())
    except InvalidSignature:
        raise ValueError("the checkpoint was not signed with this key") from None
    entry = hash_of(event, bytes.fromhex(proof["previous"]))
    path = [bytes.fromhex(one) for one in proof["path"]]
    if root_of(entry, proof["index"], checkpoint["size"], path).hex() != checkpoint["root"]:
        raise ValueError("the event, as the proof has it, is not in the log that was signed")
    return at


def main(file, public_key):
    proof = json.loads(Path(file).read_text("utf-8"))
    try:
        at = check(proof, public_key)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        print(f"DOES NOT HOLD: {error}")
        return 1
    event = proof["event"]
    recorded = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["recorded_at"])
    print(f"holds: {event['event_type']} {event['event_id']} of {event['aggregate_id']}, position {event['position']},")
    print(f"recorded at {recorded.isoformat()}, is in the log that was signed at {at}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
