"""What exarp remembers between runs, under ``.exarp/``: runs, events, successes, digests, logs, and the lock.

Holds no rule: it keeps what it is given and gives it back. Modules are imported one by one, so that a
command that needs no database does not load SQLite.
"""
