"""Runs of the past: their status, their documents."""
