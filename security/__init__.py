"""Who somebody is, what he may do, keys and encryption, the audit log, threats (specification, section 4)."""
