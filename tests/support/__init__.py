"""Helpers and fixtures that several rooms of tests share."""
