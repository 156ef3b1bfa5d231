"""The whole event store to an archive, and back into an empty one."""

from dataclasses import dataclass
from typing import BinaryIO

from contracts.errors import AnnalsError
from eventstore.archive import ArchiveReader, Counts
from eventstore.archive_keys import KeysReader
from eventstore.dead_letters import DeadLetters
from eventstore.pool import PostgresPool
from eventstore.transfer import NotEmptyError, Report, count_lines, dump, restore
from security.master_key import MasterKey
from services.caller import Caller
from services.deadline import Deadline

TRANSFER_LIMIT_S = 86_400.0
"""What an edge grants an export or an import."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how many dead letters, which belong to the broker, were left behind."""

    counts: Counts
    dead_letters: int


class TransferEvents:
    """Of every tenant, so for the operator. Every method raises StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, pool: PostgresPool, letters: DeadLetters, master: MasterKey) -> None:
        """`master` opens the keys of what is sealed: a keys file has them in the clear."""
        self._pool = pool
        self._letters = letters
        self._master = master

    async def lines(self, caller: Caller, *, outputs: bool, deadline: Deadline) -> int:
        """How many lines an export has; `outputs`: with what models said."""
        caller.require("system", "administer")
        async with deadline.enforce("counting what is to be exported"):
            counts = await count_lines(self._pool)
        return counts.all - (0 if outputs else counts.outputs)

    async def export(
        self, caller: Caller, file: BinaryIO, keys: BinaryIO, *, outputs: bool, report: Report, deadline: Deadline
    ) -> Exported:
        """Write the log as it is at this moment, and to `keys` what opens it; `report` is told how many lines are
        written. Raises ArchiveError, MasterKeyError."""
        caller.require("system", "administer")
        async with deadline.enforce("the export"):
            counts = await dump(self._pool, file, outputs=outputs, report=report, keys=keys, master=self._master)
            return Exported(counts, await self._letters.count(None))

    async def restore(
        self, caller: Caller, archive: ArchiveReader, keys: KeysReader | None, *, report: Report, deadline: Deadline
    ) -> Counts:
        """Take all of an archive in, or nothing. Raises MissingKeysError, ArchiveError, and AnnalsError where the log
        is not empty."""
        caller.require("system", "administer")
        try:
            async with deadline.enforce("the import"):
                return await restore(self._pool, archive, report, self._master, keys)
        except NotEmptyError as error:
            raise AnnalsError(
                f"the event store is not empty: {error}; import into a new database or --data folder"
            ) from None
