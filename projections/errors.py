"""What can go wrong with a read model. A docstring is the message where none is given."""

from eventstore.errors import StoreUnavailable


class UnfoldableEvent(Exception):
    """The event cannot be folded into this read model; the message says what is missing."""


class Outpaced(Exception):
    """Another projector wrote the same aggregates meanwhile; read their versions and fold again."""


class OldShapeError(Exception):
    """The read model was built by another version of Annals; `annals replay` builds it anew."""


class Replaced(StoreUnavailable):
    """The read model was replaced while it was read; the same call may be tried again."""
