"""Keeping processes running: start, watch, start again, stop."""
