"""What can go wrong with the event store. A docstring is the message where none is given."""

from contracts.errors import AnnalsError


class StoreUnavailableError(AnnalsError):
    """The database does not answer; the same call may be tried again."""


class ForeignServerError(AnnalsError):
    """A server holds what belongs to another log; name an empty one, or the one of this log."""


class ForeignBrokerError(ForeignServerError, StoreUnavailableError):
    """Kafka holds the topics of another log; the same call may be tried again once it does not."""


class VersionConflictError(AnnalsError):
    """Somebody else appended to the aggregate first; decide again on its fresh state."""


class DuplicateEventError(AnnalsError):
    """The aggregate has an event with this id already; read that one."""


class KeysChangedError(AnnalsError):
    """A key was destroyed, or the master key changed, while events were sealed; seal them again."""


class EventTooLargeError(AnnalsError):
    """The event is larger than an event may be; send less, or in several pieces."""


class ConflictError(AnnalsError):
    """The aggregate kept changing under every try; ask again later."""


class MissingTextError(AnnalsError):
    """A text that an event refers to is not in the text store; take the document in again."""


class UnknownMigrationError(AnnalsError):
    """The database was changed by a newer Annals than this one; update this installation."""


class MissingMigrationError(AnnalsError):
    """The database lacks a migration although later ones were applied; restore it from a backup."""


class AuditUnavailableError(StoreUnavailableError):
    """The audit log could not take an entry in time, so that what it tells of was not done; try again."""


def reason_of(error: BaseException) -> str:
    """What an error says in one line; its kind where it says nothing, as one that ran out of time does."""
    return " ".join(str(error).split()) or type(error).__name__
