"""The vector read model: passages with their text, found by meaning and by words."""
