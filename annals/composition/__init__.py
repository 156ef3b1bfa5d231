"""The composition root: the one place that knows which store is used, and hands everything what it needs.

`use_cases.open_use_cases` opens all that an edge may call; `stream_roles.open_role` all that a role of streams runs.
"""
