"""Tests of `services/security/`."""
