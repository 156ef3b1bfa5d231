"""Tests of `security/`."""
