"""Manifests of several files: which there are, and how they become one."""
