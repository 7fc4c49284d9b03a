"""Decisions before anything runs: waves, splitting, verdicts, freshness. Pure."""
