"""What can go wrong with a read model. A docstring is the message where none is given."""

from contracts.errors import AnnalsError
from eventstore.errors import StoreUnavailableError


class UnfoldableEventError(AnnalsError):
    """The event cannot be folded into this read model; the message says what is missing."""


class StaleVersionError(AnnalsError):
    """Another projector wrote the same aggregates meanwhile; read their versions and fold again."""


class WriteConflictError(StoreUnavailableError):
    """Another writer changed the same entities at the same time; the same write may be tried again."""


class OldSchemaError(AnnalsError):
    """The read model was built by another version of Annals; `annals replay` builds it anew."""


class ReadModelReplacedError(StoreUnavailableError):
    """The read model was replaced while it was read; the same call may be tried again."""


class SwitchDeferredError(StoreUnavailableError):
    """The switch to the read model that was built could not be made in time; it may be tried again."""


class NoFormerGenerationError(AnnalsError):
    """There is no former generation to go back to; build the read model anew with `annals replay`."""
