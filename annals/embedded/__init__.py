"""The servers that come with Annals, for a machine that has nothing but Python."""
