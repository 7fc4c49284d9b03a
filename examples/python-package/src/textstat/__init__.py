"""Counts words."""

from collections import Counter


def word_counts(text: str) -> Counter[str]:
    """How often each word occurs, in lower case."""
    return Counter(text.lower().split())
