"""Artifacts on disk: the store that several workspaces may share, and what a task made taken from and put into its workspace."""
