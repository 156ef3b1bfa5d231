"""Dashboards of others: who may read a tenant's read models over PostgreSQL itself."""

from projections.dashboards.readers import DashboardReaders, NewReader, Reader
from security.audit import AuditLog
from services.caller import Caller
from services.deadline import Deadline
from services.security.auditing import audited


class DashboardReaderService:
    """Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError. What is changed is audited."""

    def __init__(self, readers: DashboardReaders, log: AuditLog) -> None:
        self._readers, self._log = readers, log

    async def add(self, caller: Caller, name: str, *, deadline: Deadline) -> NewReader:
        """A reader of the caller's tenant; its password is told this once.

        Raises ReaderNameError, ReaderExistsError, RolesNotAllowedError.
        """
        async with audited(self._log, caller, "administration", "add reader", "users", name):
            caller.require("users", "administer")
            async with deadline.enforce("adding a reader"):
                return await self._readers.add(caller.tenant, name)

    async def list(self, caller: Caller, *, deadline: Deadline) -> list[Reader]:
        """The readers of the caller's tenant, by name."""
        caller.require("users", "read")
        async with deadline.enforce("listing readers"):
            return await self._readers.of_tenant(caller.tenant)

    async def remove(self, caller: Caller, name: str, *, deadline: Deadline) -> None:
        """Its connections end at once. Raises ReaderNotFoundError."""
        async with audited(self._log, caller, "administration", "remove reader", "users", name):
            caller.require("users", "administer")
            async with deadline.enforce("removing a reader"):
                await self._readers.remove(caller.tenant, name)
