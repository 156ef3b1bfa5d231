"""Every database of this installation: their pools in one place, and queries that need more than one of them."""
