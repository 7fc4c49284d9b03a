"""Folds over the event stream, and documents and tables made from values."""
