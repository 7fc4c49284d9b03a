"""Readers: files become a Manifest, or problems with places."""
