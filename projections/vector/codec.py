"""pgvector's `halfvec` for asyncpg: float16 at rest goes over the wire as it is, but for its byte order."""

import struct

import asyncpg
import numpy as np

_HEAD = struct.Struct(">HH")


def to_wire(raw: bytes) -> bytes:
    """Little-endian float16 to pgvector's binary form: dimension, a reserved word, big-endian float16."""
    values = np.frombuffer(raw, dtype="<f2")
    return _HEAD.pack(len(values), 0) + values.astype(">f2").tobytes()


def from_wire(raw: bytes) -> bytes:
    """The way back."""
    return np.frombuffer(raw, dtype=">f2", offset=_HEAD.size).astype("<f2").tobytes()


async def register(connection: asyncpg.Connection) -> None:
    """Make a connection speak halfvec: for a pool's `init`."""
    await connection.set_type_codec("halfvec", schema="public", encoder=to_wire, decoder=from_wire, format="binary")
