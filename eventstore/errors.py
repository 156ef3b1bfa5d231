"""What can go wrong with the event store. A docstring is the message where none is given."""


class StoreUnavailableError(ConnectionError):
    """The database does not answer; the same call may be tried again."""


class ForeignBrokerError(StoreUnavailableError):
    """Kafka holds the topics of another log; the same call may be tried again once it does not."""


class VersionConflictError(Exception):
    """Somebody else appended to the aggregate first; decide again on its fresh state."""


class DuplicateEventError(Exception):
    """The aggregate has an event with this id already."""


class ConflictError(Exception):
    """The aggregate kept changing under every try; ask again later."""


class MissingTextError(LookupError):
    """A text that an event refers to is not in the text store."""


class UnknownMigrationError(Exception):
    """The database was changed by a newer Annals than this one; update this installation."""
