"""What outlives a run: SQLite under .exarp, logs, the lock. Holds no rules."""
