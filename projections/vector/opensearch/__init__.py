"""The vector read model in OpenSearch 3: passages, versions and positions of a generation in one index of one shard."""
