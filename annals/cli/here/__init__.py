"""Commands over the databases themselves, where no gateway is asked: each gives what its --json gives."""
