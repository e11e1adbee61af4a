"""ElastiCache: books of our own, and real servers behind the replication groups."""
