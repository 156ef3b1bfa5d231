"""The event store's parts on a fresh database."""

from tests.support.stores import commands, intake, log, pool, reader, texts

__all__ = ["commands", "intake", "log", "pool", "reader", "texts"]
