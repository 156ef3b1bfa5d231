"""Answers that were sure enough to be given again: a cache, which may be thrown away at any time."""
