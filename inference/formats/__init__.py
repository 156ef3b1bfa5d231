"""Readers of formats: bytes of a file in, documents as plain text with their structure out; one file a format."""
