"""Columns of values as parameters of a statement: arrays in PostgreSQL's binary form, made in one piece each.

psycopg looks at a list's elements one by one for what they are; for a single short event that takes longer than
everything else that is done with it before it is sent.
"""

import struct
from collections.abc import Iterable, Sequence
from uuid import UUID

import psycopg
from psycopg import pq
from psycopg.adapt import Dumper

_ARRAY = struct.Struct("!iiIii")
"""Dimensions, whether there are nulls, the elements' type, how many, the first one's number (`array_recv`)."""
_LENGTH = struct.Struct("!i")
_INT8 = struct.Struct("!q")
_NULL = _LENGTH.pack(-1)


class _Column(bytes):
    """An array's bytes; which type's, its class says."""


class _Uuids(_Column):
    pass


class _Int8s(_Column):
    pass


class _Texts(_Column):
    pass


class _Byteas(_Column):
    pass


class _ColumnDumper(Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: _Column) -> bytes:
        return obj


class _UuidsDumper(_ColumnDumper):
    oid = 2951


class _Int8sDumper(_ColumnDumper):
    oid = 1016


class _TextsDumper(_ColumnDumper):
    oid = 1009


class _ByteasDumper(_ColumnDumper):
    oid = 1001


for _kind, _dumper in (
    (_Uuids, _UuidsDumper),
    (_Int8s, _Int8sDumper),
    (_Texts, _TextsDumper),
    (_Byteas, _ByteasDumper),
):
    psycopg.adapters.register_dumper(_kind, _dumper)


def uuids(values: Iterable[UUID | str]) -> bytes:
    """As `uuid[]`."""
    return _Uuids(_array(2950, [(value if isinstance(value, UUID) else UUID(value)).bytes for value in values]))


def int8s(values: Iterable[int]) -> bytes:
    """As `bigint[]`."""
    return _Int8s(_array(20, [_INT8.pack(value) for value in values]))


def texts(values: Iterable[str | None]) -> bytes:
    """As `text[]`."""
    return _Texts(_array(25, [None if value is None else value.encode() for value in values]))


def byteas(values: Iterable[bytes | None]) -> bytes:
    """As `bytea[]`."""
    return _Byteas(_array(17, list(values)))


def _array(of: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_ARRAY.pack(1, None in values, of, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts += _LENGTH.pack(len(value)), value
    return b"".join(parts)
