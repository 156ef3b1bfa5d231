"""What a decision on an entity may be refused for, beside what its aggregate refuses."""

from services.errors import InvalidRequestError


class AmbiguousNameError(InvalidRequestError):
    """Several entities have this name; name one by its id."""
