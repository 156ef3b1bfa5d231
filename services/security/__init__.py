"""Use cases of security: identities, access, keys, the audit log, threats, compliance."""
